import { type Hash, sha256 } from '#host';
import { type Network, weightsOf } from '../graph/network.ts';
import { readRange, withFile } from '../weights/range.ts';
import type { StoredTensor } from '../weights/source.ts';
import type { FloatWeights } from './build.ts';

/** Number of pieces of each file that are hashed, beside its header. */
const PIECES = 64;
const PIECE_BYTES = 4096;

/**
 * Identifies a network's weights and the way they are quantized, by the offsets, types and shapes of the tensors, the
 * length of the file and a sample of its content. Hashing a whole checkpoint would take longer than loading it.
 */
export async function identityOf(network: Network, weights: FloatWeights, how: unknown): Promise<string> {
  const hash = sha256().update(JSON.stringify([network.name, how]));
  const tensors = weightsOf(network).map((weight) => weights.get(weight));
  for (const { name, dtype, shape, offset } of tensors)
    hash.update(JSON.stringify([name, dtype, shape, offset]));
  for (const file of new Set(tensors.map((tensor) => tensor.file))) await sample(file, tensors, hash);
  return hash.hex().slice(0, 32);
}

async function sample(file: string, tensors: readonly StoredTensor[], hash: Hash): Promise<void> {
  const own = tensors.filter((tensor) => tensor.file === file);
  const first = Math.min(...own.map(({ offset }) => offset));
  const end = Math.max(...own.map(({ offset, length }) => offset + length));
  await withFile(file, async (handle, size) => {
    hash.update(String(size));
    const length = Math.min(PIECE_BYTES, end - first);
    for (let i = 0; i < PIECES; i++) {
      const at = first + Math.floor(((end - first - length) * i) / (PIECES - 1));
      hash.update(await readRange(handle, file, at, length));
    }
  });
}
