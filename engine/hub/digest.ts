import { fs, type Hash, sha1, sha256 } from '#host';
import type { RepositoryFile } from './repository.ts';

/** The hash of a file in hexadecimal, of the kind that the hub publishes for it. */
export async function hashOf(
  file: string,
  { digest, size }: Pick<RepositoryFile, 'digest' | 'size'>,
  signal?: AbortSignal,
): Promise<string> {
  // Git hashes a header before the content.
  const hash: Hash = digest.kind === 'sha256' ? sha256() : sha1().update(`blob ${size}\0`);
  for await (const chunk of fs.chunks(file)) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.hex();
}
