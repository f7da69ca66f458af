import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gaussianNoise } from '../noise.ts';
import { doubledLatents, halfDims, halvedNoise } from './half-resolution.ts';
import type { LatentDims } from './latents.ts';

const sizes = fc.record({ channels: fc.integer({ min: 1, max: 3 }), rows: fc.integer({ min: 1, max: 9 }) });

test('noise at half the resolution is as strong as at the whole one, and shows the same', () => {
  const dims: LatentDims = [4, 64, 48];
  const noise = gaussianNoise(7, 0, 4 * 64 * 48);
  const halved = halvedNoise(noise, dims);
  const variance = halved.reduce((sum, value) => sum + value ** 2, 0) / halved.length;
  assert.equal(halved.length, noise.length / 4);
  assert.ok(Math.abs(variance - 1) < 0.1, `variance ${variance}`);
  // The last block of the last channel.
  const block = [
    [62, 46],
    [62, 47],
    [63, 46],
    [63, 47],
  ].map(([y, x]) => noise[(3 * 64 + y!) * 48 + x!]!);
  assert.ok(Math.abs(halved.at(-1)! - block.reduce((a, b) => a + b) / 2) < 1e-6);
});

test('enlarged latents keep a plane that rises evenly, but for the edges', () => {
  fc.assert(
    fc.property(sizes, ({ channels, rows }) => {
      const dims: LatentDims = [channels, 2 * rows, 2 * rows + 2];
      const [, low, across] = halfDims(dims);
      const rising = Float32Array.from({ length: channels * low * across }, (_, i) => {
        const [x, y] = [i % across, Math.floor(i / across) % low];
        // The value at the centre of the position, in positions of the whole resolution.
        return 3 * (2 * y + 0.5) - (2 * x + 0.5) + Math.floor(i / (across * low));
      });
      const doubled = doubledLatents(rising, dims);
      for (let channel = 0; channel < channels; channel++)
        for (let y = 1; y < dims[1] - 1; y++)
          for (let x = 1; x < dims[2] - 1; x++)
            assert.ok(
              Math.abs(doubled[(channel * dims[1] + y) * dims[2] + x]! - (3 * y - x + channel)) < 1e-4,
            );
    }),
  );
});
