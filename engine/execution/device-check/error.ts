/** Largest difference, relative to the largest expected value; infinite for NaN. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [most, scale] = [0, 0];
  for (const [i, value] of expected.entries()) {
    const off = Math.abs(actual[i]! - value);
    most = Number.isNaN(off) ? Number.POSITIVE_INFINITY : Math.max(most, off);
    scale = Math.max(scale, Math.abs(value));
  }
  return most / scale;
}
