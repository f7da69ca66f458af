/** Values as bytes −127 … 127, or in 16 bits, with scales: value = byte · scale. */

const MAX_BYTE = 127;
const MAX_16_BITS = 2 ** 15 - 1;
/** A scale, or a spread, is never smaller. */
export const TINY = 1e-12;

export interface Quantized<Bytes extends Int8Array | Int16Array = Int8Array> {
  bytes: Bytes;
  scale: Float32Array;
}

/** Quantizes rows [N, C] with one scale for each row. */
export function quantizeRows(rows: Float32Array, channels: number): Quantized {
  return quantized(rows, channels, new Int8Array(rows.length), MAX_BYTE);
}

/** As `quantizeRows`, in 16 bits: for sums, which are few, and which a whole map's results depend on. */
export function quantizeSums(rows: Float32Array, channels: number): Quantized<Int16Array> {
  return quantized(rows, channels, new Int16Array(rows.length), MAX_16_BITS);
}

function quantized<Bytes extends Int8Array | Int16Array>(
  rows: Float32Array,
  channels: number,
  bytes: Bytes,
  most: number,
): Quantized<Bytes> {
  const scale = new Float32Array(rows.length / channels);
  for (let row = 0; row < scale.length; row++) {
    const [from, to] = [row * channels, (row + 1) * channels];
    let largest = 0;
    for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(rows[i]!));
    scale[row] = Math.max(largest / most, TINY);
    const inverse = 1 / scale[row]!;
    for (let i = from; i < to; i++) bytes[i] = Math.round(rows[i]! * inverse);
  }
  return { bytes, scale };
}

/** Quantizes rows [N, C] with one scale for each channel: the given ones, which clip values beyond them, or fitting ones. */
export function quantizeChannels(rows: Float32Array, channels: number, given?: Float32Array): Quantized {
  const scale = given ?? fittingScales(rows, channels);
  const inverse = scale.map((value) => 1 / value);
  const bytes = new Int8Array(rows.length);
  for (let from = 0; from < rows.length; from += channels)
    for (let c = 0; c < channels; c++) {
      const value = Math.round(rows[from + c]! * inverse[c]!);
      bytes[from + c] = Math.min(Math.max(value, -MAX_BYTE), MAX_BYTE);
    }
  return { bytes, scale };
}

function fittingScales(rows: Float32Array, channels: number): Float32Array {
  const scale = new Float32Array(channels);
  for (let from = 0; from < rows.length; from += channels)
    for (let c = 0; c < channels; c++) {
      const size = Math.abs(rows[from + c]!);
      if (size > scale[c]!) scale[c] = size;
    }
  return scale.map((value) => Math.max(value / MAX_BYTE, TINY));
}

/** The values of bytes [N, C] with one scale for each row, written into `rows`. */
export function dequantizeRows(
  { bytes, scale }: Quantized<Int8Array | Int16Array>,
  channels: number,
  rows: Float32Array = new Float32Array(bytes.length),
): Float32Array {
  for (let row = 0; row < scale.length; row++) {
    const factor = scale[row]!;
    for (let i = row * channels; i < (row + 1) * channels; i++) rows[i] = bytes[i]! * factor;
  }
  return rows;
}
