import { fs, path } from '#host';
import { isAbort } from '../errors.ts';
import { readOptionalText } from '../json.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import type { RepositoryCache, Snapshot } from './cache.ts';
import { hashOf } from './digest.ts';
import type { Digest, RepositoryFile } from './repository.ts';

/** Of configs and tokenizers. */
const MAX_JSON_BYTES = 64 << 20;
/** What files were found to hold, by path, size and times: asking twice in one process reads once. */
const known = new Map<string, string>();

/** Whether a file is there and holds what the hub says of it. */
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
 * Where a file of a repository is on this machine: its blob, or the file of a snapshot, which caches without links have
 * instead. Undefined if it is nowhere, or not as the hub says.
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

/** Whether all files of a snapshot are what they were when they were fetched, as far as can be told without the hub. */
export async function isWhole({ folder, files }: Snapshot, signal?: AbortSignal): Promise<boolean> {
  for (const file of files) if (!(await isSound(path.join(folder, ...file.split('/')), signal))) return false;
  return true;
}

async function isSound(file: string, signal?: AbortSignal): Promise<boolean> {
  try {
    const digest = digestNamed(path.basename(await fs.linkTarget(file)));
    if (digest) return await isRight(file, { digest, size: (await fs.stat(file)).size }, signal);
    // A file by itself has no name that tells its hash.
    if (file.endsWith('.safetensors')) await openSafetensors(file);
    else if (file.endsWith('.json')) JSON.parse((await readOptionalText(file, MAX_JSON_BYTES)) ?? '');
    return true;
  } catch (error) {
    if (isAbort(error)) throw error;
    return false;
  }
}

/** Blobs are named by their hashes: large files by SHA-256, small ones as git names them. */
function digestNamed(name: string): Digest | undefined {
  if (/^[0-9a-f]{64}$/.test(name)) return { kind: 'sha256', hex: name };
  return /^[0-9a-f]{40}$/.test(name) ? { kind: 'git', hex: name } : undefined;
}
