import { type Quantized, TINY } from './bytes.ts';

/** What the values of each channel are packed relative to: [channels] each. */
export interface ChannelRanges {
  centre: Float32Array;
  spread: Float32Array;
}

/** Rows from which ranges are taken at most: a sample is enough for a mean and a deviation. */
const SAMPLED_ROWS = 256;
/**
 * Deviations from the mean at which values are clipped, by bits: where rounding and clipping of normally distributed values
 * together are smallest (Max 1960, Quantizing for minimum distortion).
 */
export const CLIP: Readonly<Record<number, number>> = {
  1: 1.596,
  2: 1.991,
  3: 2.344,
  4: 2.682,
  5: 3.01,
  6: 3.33,
};

/** Bytes of a packed row. */
export function packedWidth(channels: number, bits: number): number {
  return Math.ceil((channels * bits) / 8);
}

/** Mean and deviation of each channel of rows [N, channels]. */
export function channelRanges(rows: Float32Array, channels: number): ChannelRanges {
  const count = rows.length / channels;
  const stride = Math.max(1, Math.floor(count / SAMPLED_ROWS));
  const [sums, squares] = [new Float64Array(channels), new Float64Array(channels)];
  let sampled = 0;
  for (let row = 0; row < count; row += stride, sampled++)
    for (let c = 0; c < channels; c++) {
      const value = rows[row * channels + c]!;
      sums[c]! += value;
      squares[c]! += value * value;
    }
  const centre = Float32Array.from(sums, (sum) => sum / sampled);
  const spread = Float32Array.from(squares, (square, c) => {
    const variance = square / sampled - (sums[c]! / sampled) ** 2;
    return Math.max(Math.sqrt(Math.max(0, variance)), TINY);
  });
  return { centre, spread };
}

/**
 * Packs rows [N, channels] with `bits` for each value, one row after another: value = centre + spread · scale · (code −
 * (2^bits − 1) / 2), with a scale for each row. What lies far from the row's other values is clipped.
 */
export function packRows(
  rows: Float32Array,
  channels: number,
  bits: number,
  { centre, spread }: ChannelRanges,
): Quantized {
  const count = rows.length / channels;
  const width = packedWidth(channels, bits);
  const bytes = new Int8Array(count * width);
  const scale = new Float32Array(count);
  const inverse = spread.map((value) => 1 / value);
  const relative = new Float32Array(channels);
  const [levels, middle] = [2 ** bits, 2 ** (bits - 1)];
  for (let row = 0; row < count; row++) {
    let [largest, square] = [0, 0];
    for (let c = 0; c < channels; c++) {
      const value = (rows[row * channels + c]! - centre[c]!) * inverse[c]!;
      relative[c] = value;
      square += value * value;
      largest = Math.max(largest, Math.abs(value));
    }
    const most = Math.min(largest, CLIP[bits]! * Math.sqrt(square / channels));
    scale[row] = Math.max(most / middle, TINY);
    const steps = 1 / scale[row]!;
    let [at, held, filled] = [row * width, 0, 0];
    for (let c = 0; c < channels; c++) {
      const code = Math.min(Math.max(Math.floor(relative[c]! * steps) + middle, 0), levels - 1);
      held |= code << filled;
      filled += bits;
      while (filled >= 8) {
        bytes[at++] = held;
        held >>>= 8;
        filled -= 8;
      }
    }
    if (filled > 0) bytes[at] = held;
  }
  return { bytes, scale };
}

/** The values of packed rows, written into `rows`. */
export function unpackRows(
  { bytes, scale }: Quantized,
  channels: number,
  bits: number,
  { centre, spread }: ChannelRanges,
  rows: Float32Array,
): Float32Array {
  const width = packedWidth(channels, bits);
  const [last, middle] = [2 ** bits - 1, (2 ** bits - 1) / 2];
  for (let row = 0; row < scale.length; row++) {
    const factor = scale[row]!;
    let [at, held, filled] = [row * width, 0, 0];
    for (let c = 0; c < channels; c++) {
      if (filled < bits) {
        held |= (bytes[at++]! & 255) << filled;
        filled += 8;
      }
      rows[row * channels + c] = centre[c]! + spread[c]! * factor * ((held & last) - middle);
      held >>>= bits;
      filled -= bits;
    }
  }
  return rows;
}
