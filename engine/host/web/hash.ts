import { sha1 as sha1Of } from '@noble/hashes/legacy.js';
import { sha256 as sha256Of } from '@noble/hashes/sha2.js';
import type { Hash } from '../host.ts';

export function sha256(): Hash {
  return hashBy(sha256Of.create());
}

export function sha1(): Hash {
  return hashBy(sha1Of.create());
}

function hashBy(hash: { update(data: Uint8Array): unknown; digest(): Uint8Array }): Hash {
  return {
    update(data) {
      hash.update(typeof data === 'string' ? new TextEncoder().encode(data) : data);
      return this;
    },
    bytes: () => hash.digest(),
    hex: () => Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join(''),
  };
}
