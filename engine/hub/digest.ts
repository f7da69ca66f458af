import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { RepositoryFile } from './repository.ts';

/** Hashes a file's content as its digest says, piece by piece. */
export class Hasher {
  readonly #hash;

  constructor({ digest, size }: Pick<RepositoryFile, 'digest' | 'size'>) {
    this.#hash = createHash(digest.kind === 'sha256' ? 'sha256' : 'sha1');
    // Git hashes a header before the content.
    if (digest.kind === 'git') this.#hash.update(`blob ${size}\0`);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** Adds what a file holds. */
  async read(file: string, signal?: AbortSignal): Promise<void> {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20, signal })) this.update(chunk);
  }

  get hex(): string {
    return this.#hash.copy().digest('hex');
  }
}
