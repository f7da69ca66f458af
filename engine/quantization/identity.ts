import { sha256 } from '#host';
import { type Network, weightsOf } from '../graph/network.ts';
import { fileHash } from '../weights/file-hash.ts';
import type { FloatWeights } from './build.ts';

/**
 * Identifies a network's weights and the way they are quantized: by the offsets, types and shapes of the tensors, and
 * by the whole content of their files.
 */
export async function identityOf(
  network: Network,
  weights: FloatWeights,
  how: unknown,
  signal?: AbortSignal,
): Promise<string> {
  const hash = sha256().update(JSON.stringify([network.name, how]));
  const tensors = weightsOf(network).map((weight) => weights.get(weight));
  for (const { name, dtype, shape, offset } of tensors)
    hash.update(JSON.stringify([name, dtype, shape, offset]));
  for (const file of new Set(tensors.map((tensor) => tensor.file)))
    hash.update(await fileHash(file, { signal }));
  return hash.hex().slice(0, 32);
}
