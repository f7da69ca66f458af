/** The part of node:crypto that the extension uses. */
import { sha256 } from '#host';

export function randomUUID(): string {
  return crypto.randomUUID();
}

export function createHash(algorithm: string) {
  if (algorithm !== 'sha256') throw new Error(`no hash ${algorithm}`);
  const hash = sha256();
  return {
    update(data: Uint8Array | string) {
      hash.update(data);
      return this;
    },
    digest: (_encoding: 'hex') => hash.hex(),
  };
}
