import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { gaussianNoise } from '../engine/noise.ts';
import { type Coding, coded, decode, slotOf } from './codings.ts';

function throughTheWire(coding: Coding, rows: Float32Array, channels: number): Float32Array {
  const out = new Float32Array(rows.length);
  const slot = slotOf(coding, out, channels);
  slot.set(coded(coding, rows, channels));
  decode(coding, slot, out, channels);
  return out;
}

test('float32 travels as it is', () => {
  const rows = gaussianNoise(1, 0, 60);
  assert.deepEqual(throughTheWire('float32', rows, 6), rows);
});

test('half precision keeps eleven bits, from the smallest to the largest', () =>
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const [half] = throughTheWire('float16', Float32Array.of(value), 1);
      const expected = Math.max(-65504, Math.min(65504, value));
      assert.ok(
        Math.abs(half! - expected) <= Math.max(Math.abs(expected) * 2 ** -11, 2 ** -24),
        `${value} became ${half}`,
      );
    }),
    { numRuns: 2000, examples: [[65504], [65519], [65520], [1e30], [-1e30], [2 ** -24], [0], [-0]] },
  ));

test('whole numbers up to 2048 are exact in half precision', () => {
  const rows = Float32Array.from({ length: 4097 }, (_, i) => i - 2048);
  assert.deepEqual(throughTheWire('float16', rows, 1), rows);
});

test('residuals: both sides know the same, and come as near as the difference is small', () => {
  const sizes = fc.record({
    rows: fc.integer({ min: 1, max: 5 }),
    channels: fc.integer({ min: 1, max: 200 }),
    seed: fc.integer({ min: 0, max: 99 }),
  });
  fc.assert(
    fc.property(sizes, ({ rows, channels, seed }) => {
      const start = gaussianNoise(seed, 0, rows * channels);
      const [sender, receiver] = [start.slice(), start.slice()];
      const change = gaussianNoise(seed, 1, start.length);
      const current = start.map((value, i) => value + 0.1 * change[i]!);
      const largest = change.reduce((most, value) => Math.max(most, Math.abs(0.1 * value)), 0);
      for (let round = 0; round < 3; round++) {
        decode('residual', coded('residual', current, channels, sender), receiver, channels);
        assert.deepEqual(receiver, sender);
        // Each round leaves at most half a step, a fourteenth of the difference before.
        const limit = largest * (1 / 14) ** (round + 1) + 1e-6;
        for (const [i, value] of receiver.entries()) assert.ok(Math.abs(value - current[i]!) <= limit);
      }
    }),
  );
});
