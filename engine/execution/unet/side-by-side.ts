/** Rows [n, a] and [n, b] as [n, a + b]. */
export function sideBySide(left: Float32Array, a: number, right: Float32Array, b: number): Float32Array {
  const count = left.length / a;
  const both = new Float32Array(left.length + right.length);
  for (let row = 0; row < count; row++) {
    both.set(left.subarray(row * a, (row + 1) * a), row * (a + b));
    both.set(right.subarray(row * b, (row + 1) * b), row * (a + b) + a);
  }
  return both;
}
