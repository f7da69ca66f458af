/** Power of a signal over that of another's difference from it, in dB. */
export function signalToNoise(actual: Float32Array, exact: Float32Array): number {
  const power = (values: Float32Array) => values.reduce((sum, value) => sum + value ** 2, 0);
  return 10 * Math.log10(power(exact) / power(actual.map((value, i) => value - exact[i]!)));
}
