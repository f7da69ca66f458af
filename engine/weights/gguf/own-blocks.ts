import { BLOCK } from '../quantized.ts';
import type { StoredTensor } from '../source.ts';

/**
 * ggml's blocks that ours hold value for value: 32 values in a row of a matrix with a scale and no minimum. How many bits a
 * value has.
 */
const BITS: Readonly<Record<string, 8 | 4>> = { Q8_0: 8, Q4_0: 4 };

/** Bits of a matrix [N, K] in blocks of ours; undefined for what does not fit them. */
export function fittingBits({ dtype, shape, axes }: StoredTensor): 8 | 4 | undefined {
  const [, rows = 0, ...rest] = shape;
  const isMatrix = rows % BLOCK === 0 && rest.every((side) => side === 1);
  return rows > 0 && isMatrix && !axes ? BITS[dtype] : undefined;
}

/** Bytes of a block's values. */
export function blockBytes(bits: 8 | 4): number {
  return (BLOCK * bits) / 8;
}

/**
 * The values of ggml's blocks in the order of ours (`BlockValues`). Both have 2^(bits − 1) as zero; ours have a pair of
 * neighbours in a byte, ggml's Q4_0 a value and the one 16 behind it.
 */
export function valuesOfBlocks(stored: Uint8Array, bits: 8 | 4): Uint8Array {
  const bytes = blockBytes(bits);
  const values = new Uint8Array((stored.length / (bytes + 2)) * bytes);
  for (let from = 2, to = 0; to < values.length; from += bytes + 2, to += bytes) {
    if (bits === 8) for (let i = 0; i < bytes; i++) values[to + i] = stored[from + i]! ^ 0x80;
    else
      for (let i = 0; i < 8; i++) {
        const [first, second] = [stored[from + 2 * i]!, stored[from + 2 * i + 1]!];
        values[to + i] = (first & 15) | ((second & 15) << 4);
        values[to + 8 + i] = (first >> 4) | (second & 0xf0);
      }
  }
  return values;
}

/** The scales of ggml's blocks, in half precision. */
export function scalesOfBlocks(stored: Uint8Array, bits: 8 | 4): Uint8Array {
  const bytes = blockBytes(bits) + 2;
  const scales = new Uint8Array((stored.length / bytes) * 2);
  for (let from = 0, to = 0; to < scales.length; from += bytes, to += 2) {
    scales[to] = stored[from]!;
    scales[to + 1] = stored[from + 1]!;
  }
  return scales;
}
