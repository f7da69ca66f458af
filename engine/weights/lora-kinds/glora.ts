import { transposed } from '../../numbers.ts';
import { addProduct } from '../lora-product.ts';
import { type LoraKind, MAX_RANK, matrix, sameShape, sizeOf } from './kind.ts';

/** Δ = W · a1 · a2 + b1 · b2, the first product over W's input channels (Chavan et al. 2023). */
export const glora: LoraKind = {
  name: 'GLoRA',
  parts: ['a1', 'a2', 'b1', 'b2'],
  changes: 'weight',
  fits(parts, weight) {
    const [a1, a2, b1] = (['a1', 'a2', 'b1'] as const).map((part) => matrix(parts.shape(part)));
    const b2 = parts.shape('b2');
    const rank = a2![0];
    const isOneRank = a1![1] === rank && b1![1] === b2[0] && rank > 0 && Math.max(rank, b1![1]) <= MAX_RANK;
    const inputs = weight[1] ?? 1;
    return isOneRank && a1![0] === inputs && a2![1] === inputs && sameShape([b1![0], ...b2.slice(1)], weight);
  },
  rank: (parts) => parts.shape('a2')[0],
  async add(target, parts, { values, shape }, scale) {
    const [out, inputs = 1] = shape as [number, number?];
    const taps = sizeOf(shape.slice(2));
    const rank = parts.shape('a2')[0]!;
    // [out · taps, in] · [in, r] · [r, in]
    const rows = channelsLast(values, out, inputs, taps);
    const narrow = new Float32Array(out * taps * rank);
    await addProduct(narrow, rows, parts.get('a1'), inputs, 1);
    const wide = new Float32Array(rows.length);
    await addProduct(wide, narrow, parts.get('a2'), rank, scale);
    const own = taps === 1 ? wide : channelsLast(wide, out, taps, inputs);
    for (let i = 0; i < target.length; i++) target[i]! += own[i]!;
    await addProduct(target, parts.get('b1'), parts.get('b2'), parts.shape('b2')[0]!, scale);
  },
};

/** [blocks, rows, columns] → [blocks, columns, rows]. */
function channelsLast(values: Float32Array, blocks: number, rows: number, columns: number): Float32Array {
  if (columns === 1) return values;
  const result = new Float32Array(values.length);
  const size = rows * columns;
  for (let block = 0; block < blocks; block++)
    result.set(transposed(values.subarray(block * size, (block + 1) * size), rows), block * size);
  return result;
}
