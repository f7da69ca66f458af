/** Numbers as few bits with scales. Matrices are [K, N], row-major: K input channels, N output channels. */

/** The largest int8 that a product may use; less where the processor saturates, see `runtime/integer-check.ts`. */
export const INT8_MOST = 127;

/** Rows of one int4 block. */
export const BLOCK = 32;
/** An int4 is stored as a value 0 … 15 that stands for it less this. */
const MIDDLE = 8;

/** A scale is never zero. */
const TINY = 1e-12;

export interface Int8Values {
  /** [K, N]. */
  values: Int8Array;
  /** [N]: the number is value · scale of its column. */
  scale: Float32Array;
}

/** Rounds to the nearest of 2 · most + 1 steps a column. */
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
      // Math.round rounds halves up, which is as good here, and several times slower.
      values[from + n] = x < 0 ? x - 0.5 : x + 0.5;
    }
  return { values, scale };
}

export interface Int4Values {
  /** [N, blocks, 16]: two rows of a block in a byte, the earlier in the low half, as `MatMulNBits` reads them. */
  values: Uint8Array;
  /** [N, blocks]. */
  scale: Float32Array;
}

/**
 * Rounds to −8 … 7 steps a block of 32 rows of a column. The scale of a block is that of its largest number, which
 * becomes −8 or 7, whichever fits the block better.
 */
export function toInt4(matrix: Float32Array, columns: number): Int4Values {
  const rows = matrix.length / columns;
  const blocks = Math.ceil(rows / BLOCK);
  const values = new Uint8Array((columns * blocks * BLOCK) / 2);
  const scale = new Float32Array(columns * blocks);
  const block = new Float32Array(BLOCK);
  for (let n = 0; n < columns; n++)
    for (let b = 0; b < blocks; b++) {
      let largest = 0;
      for (let i = 0; i < BLOCK; i++) {
        const row = b * BLOCK + i;
        block[i] = row < rows ? matrix[row * columns + n]! : 0;
        if (Math.abs(block[i]!) > Math.abs(largest)) largest = block[i]!;
      }
      const [asLow, asHigh] = [largest / -MIDDLE, largest / (MIDDLE - 1)];
      const step = int4Error(block, asLow) <= int4Error(block, asHigh) ? asLow : asHigh;
      scale[n * blocks + b] = step || TINY;
      const at = ((n * blocks + b) * BLOCK) / 2;
      for (let i = 0; i < BLOCK; i += 2)
        values[at + i / 2] = int4(block[i]!, step) | (int4(block[i + 1]!, step) << 4);
    }
  return { values, scale };
}

/** Squared error of a block with a step. */
function int4Error(block: Float32Array, step: number): number {
  let error = 0;
  for (const value of block) error += (value - (int4(value, step) - MIDDLE) * step) ** 2;
  return error;
}

function int4(value: number, step: number): number {
  if (step === 0) return MIDDLE;
  return Math.max(0, Math.min(2 * MIDDLE - 1, Math.round(value / step) + MIDDLE));
}

/** The matrix [K, N] that int4 values stand for. */
export function fromInt4({ values, scale }: Int4Values, rows: number, columns: number): Float32Array {
  const blocks = Math.ceil(rows / BLOCK);
  const matrix = new Float32Array(rows * columns);
  for (let n = 0; n < columns; n++)
    for (let row = 0; row < rows; row++) {
      const block = n * blocks + Math.floor(row / BLOCK);
      const byte = values[(block * BLOCK + (row % BLOCK)) >> 1]!;
      const value = (row % 2 ? byte >> 4 : byte & 15) - MIDDLE;
      matrix[row * columns + n] = value * scale[block]!;
    }
  return matrix;
}
