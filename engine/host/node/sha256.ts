import { createHash } from 'node:crypto';
import type { Sha256 } from '../host.ts';

export function sha256(): Sha256 {
  const hash = createHash('sha256');
  return {
    update(data) {
      hash.update(data);
      return this;
    },
    bytes: () => hash.digest(),
    hex: () => hash.digest('hex'),
  };
}
