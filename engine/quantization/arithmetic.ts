/** Numbers in few bits with scales. Matrices are [K, N], row-major, with K input and N output channels. */

import { BLOCK } from '../weights/quantized.ts';

/** The largest int8 that a product may use; less where the processor saturates, see `largestInt8`. */
export const INT8_MOST = 127;

/** A scale is never zero. */
const TINY = 1e-12;

interface Int8Values {
  /** [K, N]. */
  values: Int8Array;
  /** number = value · scale, with a scale for each column [N], or for each row with `toInt8Rows`. */
  scale: Float32Array;
}

/** Rounds each column to 2 · most + 1 steps. */
export function toInt8(matrix: Float32Array, columns: number, most = INT8_MOST): Int8Values {
  const scale = new Float32Array(columns);
  for (let from = 0; from < matrix.length; from += columns)
    for (let n = 0; n < columns; n++) {
      const size = Math.abs(matrix[from + n]!);
      if (size > scale[n]!) scale[n] = size;
    }
  for (let n = 0; n < columns; n++) scale[n] = Math.max(scale[n]! / most, TINY);
  const inverse = scale.map((value) => 1 / value);
  const values = new Int8Array(matrix.length);
  for (let from = 0; from < matrix.length; from += columns)
    for (let n = 0; n < columns; n++) {
      const x = matrix[from + n]! * inverse[n]!;
      // Several times faster than Math.round; conversion to int8 truncates.
      values[from + n] = x < 0 ? x - 0.5 : x + 0.5;
    }
  return { values, scale };
}

/** Rounds each row of a table [size, C] to 255 steps. The scale is [size]. */
export function toInt8Rows(table: Float32Array, channels: number): Int8Values {
  const values = new Int8Array(table.length);
  const scale = new Float32Array(table.length / channels);
  for (let row = 0; row < scale.length; row++) {
    const numbers = table.subarray(row * channels, (row + 1) * channels);
    const largest = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    scale[row] = Math.max(largest / INT8_MOST, TINY);
    for (const [c, value] of numbers.entries()) values[row * channels + c] = Math.round(value / scale[row]!);
  }
  return { values, scale };
}

/** A matrix in blocks of `BLOCK` rows of a column, each with its own scale. */
interface BlockValues {
  readonly bits: BlockBits;
  /**
   * [N, blocks, BLOCK · bits / 8], as `MatMulNBits` reads them: value + 2^(bits − 1). With 4 bits a byte holds two rows,
   * the first in its low half.
   */
  readonly values: Uint8Array;
  /** [N, blocks]: number = value · scale of its block. */
  readonly scale: Float32Array;
}
type BlockBits = 4 | 8;

/** Shares of a block's largest number that are tried as the largest value; numbers beyond are clipped. */
const CLIPS = [1, 0.92, 0.84, 0.76];

/**
 * Rounds each block of 32 rows of a column to 2^bits steps. Tries a few scales, which map the block's largest number to
 * the smallest or the largest value or clip it, and takes the one with the smallest error.
 */
export function toBlocks(matrix: Float32Array, columns: number, bits: BlockBits): BlockValues {
  const rows = matrix.length / columns;
  const blocks = Math.ceil(rows / BLOCK);
  const bytes = (BLOCK * bits) / 8;
  const values = new Uint8Array(columns * blocks * bytes);
  const scale = new Float32Array(columns * blocks);
  const block = new Float32Array(BLOCK);
  const middle = 2 ** (bits - 1);
  // With 8 bits rounding is so fine that clipping gains nothing.
  const clips = bits === 4 ? CLIPS : [1];
  for (let n = 0; n < columns; n++)
    for (let b = 0; b < blocks; b++) {
      let largest = 0;
      for (let i = 0; i < BLOCK; i++) {
        const row = b * BLOCK + i;
        block[i] = row < rows ? matrix[row * columns + n]! : 0;
        if (Math.abs(block[i]!) > Math.abs(largest)) largest = block[i]!;
      }
      let [step, least] = [TINY, Number.POSITIVE_INFINITY];
      for (const clip of largest === 0 ? [] : clips)
        for (const end of [-middle, middle - 1]) {
          const tried = (clip * largest) / end;
          const error = roundingError(block, tried, middle);
          if (error < least) [step, least] = [tried, error];
        }
      scale[n * blocks + b] = step;
      const at = (n * blocks + b) * bytes;
      for (let i = 0; i < BLOCK; i++) {
        const value = rounded(block[i]!, step, middle) + middle;
        if (bits === 8) values[at + i] = value;
        else values[at + (i >> 1)]! |= value << (i % 2 ? 4 : 0);
      }
    }
  return { bits, values, scale };
}

/** Squared error of a block rounded with a step. */
function roundingError(block: Float32Array, step: number, middle: number): number {
  let error = 0;
  for (let i = 0; i < BLOCK; i++) {
    const off = block[i]! - rounded(block[i]!, step, middle) * step;
    error += off * off;
  }
  return error;
}

/** The nearest integer step in −middle … middle − 1. */
function rounded(value: number, step: number, middle: number): number {
  const x = value / step + middle + 0.5;
  return (x < 0 ? 0 : x >= 2 * middle ? 2 * middle - 1 : Math.floor(x)) - middle;
}

/** Dequantizes blocks to the matrix [K, N]. */
export function fromBlocks(
  { bits, values, scale }: BlockValues,
  rows: number,
  columns: number,
): Float32Array {
  const blocks = Math.ceil(rows / BLOCK);
  const middle = 2 ** (bits - 1);
  const matrix = new Float32Array(rows * columns);
  for (let n = 0; n < columns; n++)
    for (let row = 0; row < rows; row++) {
      const block = n * blocks + Math.floor(row / BLOCK);
      const at = block * BLOCK + (row % BLOCK);
      const byte = bits === 8 ? values[at]! : (values[at >> 1]! >> (row % 2 ? 4 : 0)) & 15;
      matrix[row * columns + n] = (byte - middle) * scale[block]!;
    }
  return matrix;
}
