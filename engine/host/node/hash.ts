import { createHash } from 'node:crypto';
import type { Hash } from '../host.ts';

export function sha256(): Hash {
  return hashBy('sha256');
}

export function sha1(): Hash {
  return hashBy('sha1');
}

function hashBy(algorithm: string): Hash {
  const hash = createHash(algorithm);
  return {
    update(data) {
      hash.update(data);
      return this;
    },
    bytes: () => hash.digest(),
    hex: () => hash.digest('hex'),
  };
}
