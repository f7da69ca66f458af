import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder } from '../cache-folder.ts';
import { weightsOf } from '../graph/network.ts';
import type { Model } from './model.ts';

/**
 * What tells a model's U-Net from every other wherever it lies: a hash of its network and of all of its weights' files.
 * Hashes of files are kept with their size and time, for reading gigabytes takes seconds.
 */
export async function contentHash(model: Model): Promise<string> {
  const network = model.network('unet');
  const weights = await model.weights('unet');
  const files = new Set(weightsOf(network).map(({ name }) => weights.find(name)?.file ?? ''));
  const hash = createHash('sha256').update(JSON.stringify(network.operators));
  for (const file of [...files].filter(Boolean).sort()) hash.update(await fileHash(file));
  return hash.digest('hex');
}

async function fileHash(file: string): Promise<string> {
  const { size, mtimeMs } = await stat(file);
  const key = createHash('sha256').update(`${file}\n${size}\n${mtimeMs}`).digest('hex');
  const known = path.join(cacheFolder(), 'hashes', key);
  const kept = await readFile(known, 'utf8').catch(() => '');
  if (/^[0-9a-f]{64}$/.test(kept)) return kept;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 4 << 20 })) hash.update(chunk);
  const digest = hash.digest('hex');
  await mkdir(path.dirname(known), { recursive: true });
  await writeFile(known, digest);
  return digest;
}
