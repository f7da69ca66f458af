/** Half precision: IEEE 754 binary16. */

const INFINITY = 0x7c00;
const NOT_A_NUMBER = 0x7e00;

/**
 * Tables by sign and exponent of a float32 (van der Zijp, Fast Half Float Conversions, 2012): the upper bits of the half,
 * the shift of the fraction, and what is added before the shift to round.
 */
const BASE = new Uint16Array(512);
const SHIFT = new Uint8Array(512);
const ADDED = new Int32Array(512);
for (let i = 0; i < 512; i++) {
  const exponent = (i & 255) - 127;
  const sign = i > 255 ? 0x8000 : 0;
  const shift = exponent < -14 ? Math.min(24, -exponent - 1) : 13;
  const inRange = exponent >= -25 && exponent <= 15;
  // The implicit leading one is part of the base; for subnormals it is part of the added value.
  const upper = exponent < -14 ? 0x0400 >> (-exponent - 14) : (exponent + 15) << 10;
  BASE[i] = sign | (exponent > 15 ? INFINITY : inRange ? upper : 0);
  SHIFT[i] = inRange ? shift : 24;
  ADDED[i] = inRange ? (1 << (shift - 1)) - 1 + (exponent === -25 ? 1 << 23 : 0) : 0;
}

/** Rounds numbers to nearest, ties to even; beyond the range to infinity. */
export function toHalves(
  values: Float32Array,
  out: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const top = word >>> 23;
    const fraction = word & 0x7fffff;
    const base = BASE[top]!;
    const shift = SHIFT[top]!;
    const odd = (base + (fraction >>> shift)) & 1;
    // A carry out of the fraction correctly increments the exponent.
    const half = base + ((fraction + ADDED[top]! + odd) >>> shift);
    out[i] = (top & 255) === 255 && fraction ? half | NOT_A_NUMBER : half;
  }
  return out;
}

let table: Float32Array | undefined;

/** The value of every half. */
export function fromHalves(halves: Uint16Array, out: Float32Array): Float32Array {
  table ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
  for (let i = 0; i < out.length; i++) out[i] = table[halves[i]!]!;
  return out;
}
