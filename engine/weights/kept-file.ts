import { cacheFolder, fs, path } from '#host';
import { touchHashed } from './file-hash.ts';
import { openOrMake } from './made-file.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors.ts';
import { isSealed, SEAL_BYTES } from './seal.ts';
import type { WeightsOptions } from './source.ts';
import { type TensorToWrite, writeSealed } from './write.ts';

/** A file of the cache that can be made again. */
interface KeptFile {
  /** Its folder below the cache folder, and its name there without ending, which identifies what it is made from. */
  folder: string;
  key: string;
  /** Files of the folder that stay; those used longest ago are removed. */
  most: number;
}

/**
 * Tensors that take a while to compute: from the cache if they are there and whole, else computed and written there, or
 * elsewhere as `openOrMake` says.
 * @throws InputError if they cannot be written anywhere, AbortError; nothing is left then
 */
export async function keptOrWritten(
  { folder: name, key, most }: KeptFile,
  tensors: readonly TensorToWrite[],
  { onProgress, signal }: WeightsOptions = {},
): Promise<SafetensorsFile> {
  const folder = path.join(cacheFolder(), name);
  const counted = tensors.map((tensor, i) => ({
    ...tensor,
    async *chunks() {
      onProgress?.(i, tensors.length);
      yield* tensor.chunks();
    },
  }));
  return openOrMake(path.join(folder, `${key}.safetensors`), {
    async open(file) {
      const kept = await openSafetensors(file).catch(() => undefined);
      if (!kept || !(await isSealed(kept, signal))) return undefined;
      if (!tensors.every((tensor) => kept.find(tensor.name))) return undefined;
      await touchHashed(file, { exceptLast: SEAL_BYTES }).catch(() => {});
      return kept;
    },
    async make(file) {
      await writeSealed(file, counted, {}, signal);
      onProgress?.(tensors.length, tensors.length);
      await prune(path.dirname(file), most);
      return openSafetensors(file);
    },
  });
}

/**
 * Removes the files that were used longest ago. Another process may remove them too, and Windows keeps those in use: they
 * are left to the next time.
 */
async function prune(folder: string, most: number): Promise<void> {
  const names = (await fs.readdir(folder)).filter((name) => name.endsWith('.safetensors'));
  const dated = await Promise.all(
    names.map(async (name) => {
      const place = path.join(folder, name);
      const stats = await fs.stat(place).catch(() => undefined);
      return stats ? [{ place, time: stats.mtimeMs }] : [];
    }),
  );
  for (const { place } of dated
    .flat()
    .sort((a, b) => b.time - a.time)
    .slice(most))
    await fs.remove(place).catch(() => {});
}
