import assert from 'node:assert/strict';

/** Equal to a share of the largest expected value. */
export function assertClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  for (const [i, value] of expected.entries())
    assert.ok(
      Math.abs(actual[i]! - value) <= tolerance * scale,
      `value ${i}: ${actual[i]} instead of ${value}`,
    );
}
