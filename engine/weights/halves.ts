/** Rounds numbers to IEEE 754 binary16, to nearest and ties to even; beyond its range to infinity. */
export function toHalves(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(words, halfOf);
}

function halfOf(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const exponent = ((word >>> 23) & 0xff) - 112;
  const fraction = word & 0x7fffff;
  if (exponent === 143) return sign | 0x7c00 | (fraction ? 0x200 : 0);
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent < -10) return sign;
  // A carry out of the fraction goes into the exponent, which is right.
  const shift = exponent > 0 ? 13 : 14 - exponent;
  const whole = exponent > 0 ? (exponent << 23) | fraction : fraction | 0x800000;
  const half = Math.floor(whole / 2 ** shift);
  const rest = whole - half * 2 ** shift;
  const middle = 2 ** (shift - 1);
  return sign | (half + (rest > middle || (rest === middle && half % 2 === 1) ? 1 : 0));
}
