import { fs, path } from '#host';
import { isAbort } from '../errors.ts';
import { readOptionalText } from '../json.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import type { RepositoryCache, Snapshot } from './cache.ts';
import { hashOf } from './digest.ts';
import type { Digest, RepositoryFile } from './repository.ts';

/** Largest config or tokenizer file in bytes. */
const MAX_JSON_BYTES = 64 << 20;
/** Results by path, size and times, so that each file is read once per process. */
const known = new Map<string, string>();

/** Whether a file exists and has the hash that the hub says. */
export async function isRight(
  file: string,
  expected: Pick<RepositoryFile, 'digest' | 'size'>,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    const { size, mtimeMs, ctimeMs } = await fs.stat(file);
    if (size !== expected.size) return false;
    const key = [file, size, mtimeMs, ctimeMs, expected.digest.kind].join('\n');
    const hex = known.get(key) ?? (await hashOf(file, expected, signal));
    known.set(key, hex);
    return hex === expected.digest.hex;
  } catch (error) {
    if (isAbort(error)) throw error;
    return false;
  }
}

/**
 * Path of a repository's file on this machine: its blob, or in caches without links the file in a snapshot. Undefined if
 * it is missing or has another hash.
 */
export async function placeOf(
  cache: RepositoryCache,
  commit: string,
  file: RepositoryFile,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const others = (await cache.commits()).filter((other) => other !== commit);
  const inside = (snapshot: string) => path.join(cache.snapshot(snapshot), ...file.path.split('/'));
  for (const place of [cache.blob(file.digest.hex), ...[commit, ...others].map(inside)])
    if (await isRight(place, file, signal)) return place;
  return undefined;
}

/** Whether all files of a snapshot are intact, as far as this can be checked without the hub. */
export async function isWhole({ folder, files }: Snapshot, signal?: AbortSignal): Promise<boolean> {
  for (const file of files) if (!(await isSound(path.join(folder, ...file.split('/')), signal))) return false;
  return true;
}

async function isSound(file: string, signal?: AbortSignal): Promise<boolean> {
  try {
    const digest = digestNamed(path.basename(await fs.linkTarget(file)));
    if (digest) return await isRight(file, { digest, size: (await fs.stat(file)).size }, signal);
    // A file that is not a link has no name with its hash.
    if (file.endsWith('.safetensors')) await openSafetensors(file);
    else if (file.endsWith('.json')) JSON.parse((await readOptionalText(file, MAX_JSON_BYTES)) ?? '');
    return true;
  } catch (error) {
    if (isAbort(error)) throw error;
    return false;
  }
}

/** Blobs are named by their hashes: SHA-256 for large files, the git blob id for small ones. */
function digestNamed(name: string): Digest | undefined {
  if (/^[0-9a-f]{64}$/.test(name)) return { kind: 'sha256', hex: name };
  return /^[0-9a-f]{40}$/.test(name) ? { kind: 'git', hex: name } : undefined;
}
