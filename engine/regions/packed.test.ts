import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { gaussianNoise } from '../noise.ts';
import { signalToNoise } from '../numbers.ts';
import { type ChannelRanges, channelRanges, packedWidth, packRows, unpackRows } from './packed.ts';

function through(rows: Float32Array, channels: number, bits: number, ranges: ChannelRanges): Float32Array {
  const packed = packRows(rows, channels, bits, ranges);
  assert.equal(packed.bytes.length, (rows.length / channels) * packedWidth(channels, bits));
  return unpackRows(packed, channels, bits, ranges, new Float32Array(rows.length));
}

test('a value is off by half a step at most, unless it is clipped', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 5 }),
      (bits, channels, count) => {
        const rows = gaussianNoise(bits, channels, channels * count);
        const ranges = channelRanges(rows, channels);
        const { scale } = packRows(rows, channels, bits, ranges);
        const values = through(rows, channels, bits, ranges);
        for (const [i, value] of values.entries()) {
          const step = ranges.spread[i % channels]! * scale[Math.floor(i / channels)]!;
          const limit = (step * (2 ** bits - 1)) / 2;
          const isClipped = Math.abs(rows[i]! - ranges.centre[i % channels]!) > limit;
          if (!isClipped) assert.ok(Math.abs(value - rows[i]!) <= 0.501 * step + 1e-6);
        }
      },
    ),
  );
});

test('the error of normal values is that of the best quantizer, whatever the sizes of channels and rows', () => {
  const [channels, count] = [64, 300];
  const noise = gaussianNoise(1, 1, channels * count);
  const even = noise.map((value, i) => value * (1 + (i % channels)) * (1 + Math.floor(i / channels)));
  for (const [bits, least] of [
    [3, 13.5],
    [5, 23.5],
  ] as const)
    assert.ok(signalToNoise(through(even, channels, bits, channelRanges(even, channels)), even) > least);
  // Offsets of channels cost nothing.
  const shifted = noise.map((value, i) => value + 100 * (i % channels));
  const values = through(shifted, channels, 5, channelRanges(shifted, channels));
  const differences = values.map((value, i) => value - 100 * (i % channels));
  assert.ok(signalToNoise(differences, noise) > 23);
});

test('equal rows, and rows unlike those that the ranges were taken from', () => {
  const equal = new Float32Array(40).fill(3);
  const ranges = channelRanges(equal, 4);
  assert.deepEqual(through(equal, 4, 3, ranges), equal);
  const other = channelRanges(gaussianNoise(1, 1, 400), 4);
  const far = gaussianNoise(2, 2, 40).map((value) => 50 * value);
  assert.ok(signalToNoise(through(far, 4, 6, other), far) > 20);
});
