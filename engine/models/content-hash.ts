import { sha256 } from '#host';
import { weightsOf } from '../graph/network.ts';
import { fileHash } from '../weights/file-hash.ts';
import type { Model } from './model.ts';

/** Identifies a model's denoiser wherever it is stored: a hash of the network and of all its weight files. */
export async function contentHash(model: Model): Promise<string> {
  const network = model.network('denoiser');
  const weights = await model.weights('denoiser');
  const files = new Set(weightsOf(network).map(({ name }) => weights.find(name)?.file ?? ''));
  const hash = sha256().update(JSON.stringify(network.operators));
  for (const file of [...files].filter(Boolean).sort()) hash.update(await fileHash(file));
  return hash.hex();
}
