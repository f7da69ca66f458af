import { cacheFolder, fs, path, sha256 } from '#host';
import { weightsOf } from '../graph/network.ts';
import { readOptionalText } from '../json.ts';
import type { Model } from './model.ts';

/**
 * What tells a model's U-Net from every other wherever it lies: a hash of its network and of all of its weights' files.
 * Hashes of files are kept with their size and time, for reading gigabytes takes seconds.
 */
export async function contentHash(model: Model): Promise<string> {
  const network = model.network('denoiser');
  const weights = await model.weights('denoiser');
  const files = new Set(weightsOf(network).map(({ name }) => weights.find(name)?.file ?? ''));
  const hash = sha256().update(JSON.stringify(network.operators));
  for (const file of [...files].filter(Boolean).sort()) hash.update(await fileHash(file));
  return hash.hex();
}

async function fileHash(file: string): Promise<string> {
  const { size, mtimeMs } = await fs.stat(file);
  const key = sha256().update(`${file}\n${size}\n${mtimeMs}`).hex();
  const known = path.join(cacheFolder(), 'hashes', key);
  const kept = (await readOptionalText(known, 64).catch(() => undefined)) ?? '';
  if (/^[0-9a-f]{64}$/.test(kept)) return kept;
  const hash = sha256();
  for await (const chunk of fs.chunks(file)) hash.update(chunk);
  const digest = hash.hex();
  await fs.mkdir(path.dirname(known));
  await fs.writeAtomically(known, (writer) => writer.write(digest));
  return digest;
}
