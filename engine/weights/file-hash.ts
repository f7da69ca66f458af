import { cacheFolder, fs, path, sha256 } from '#host';
import { abortError } from '../errors.ts';
import { readOptionalText } from '../json.ts';

/** Hashes by file, size and times. */
const known = new Map<string, string>();

/**
 * SHA-256 of a file's whole content, or of all but its last bytes, in hexadecimal. Hashing gigabytes takes seconds, so
 * hashes are stored by path, size and times: in this process and, if it is writable, in the cache folder.
 */
export async function fileHash(
  place: string,
  { exceptLast = 0, signal }: { exceptLast?: number; signal?: AbortSignal } = {},
): Promise<string> {
  const file = await fs.realpath(path.resolve(place));
  const { key, size } = await keyOf(file, exceptLast);
  const before = known.get(key) ?? (await readOptionalText(keptAt(key), 64).catch(() => undefined));
  if (before !== undefined && /^[0-9a-f]{64}$/.test(before)) {
    known.set(key, before);
    return before;
  }
  const hash = sha256();
  let left = size - exceptLast;
  for await (const chunk of fs.chunks(file)) {
    if (signal?.aborted) throw abortError();
    if (left <= 0) break;
    hash.update(chunk.subarray(0, left));
    left -= chunk.byteLength;
  }
  const digest = hash.hex();
  await keep(key, digest);
  return digest;
}

/** Sets a file's modification time to now, and keeps its hash valid. */
export async function touchHashed(file: string, options: { exceptLast?: number } = {}): Promise<void> {
  const digest = await fileHash(file, options);
  await fs.touch(file);
  await keep((await keyOf(await fs.realpath(file), options.exceptLast ?? 0)).key, digest);
}

async function keyOf(file: string, exceptLast: number): Promise<{ key: string; size: number }> {
  const { size, mtimeMs, ctimeMs } = await fs.stat(file);
  return { key: sha256().update([file, size, mtimeMs, ctimeMs, exceptLast].join('\n')).hex(), size };
}

function keptAt(key: string): string {
  return path.join(cacheFolder(), 'hashes', key);
}

/** If the cache folder is not writable, the next process hashes again. */
async function keep(key: string, digest: string): Promise<void> {
  known.set(key, digest);
  try {
    await fs.mkdir(path.dirname(keptAt(key)));
    await fs.writeAtomically(keptAt(key), (writer) => writer.write(digest));
  } catch {
    // Read-only, or full.
  }
}
