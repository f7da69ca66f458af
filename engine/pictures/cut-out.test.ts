import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutOut } from './cut-out.ts';

test('what is not covered is transparent and leaves nothing in the file; what is deep inside stays as it was', () => {
  const side = fc.integer({ min: 1, max: 24 });
  fc.assert(
    fc.property(
      side,
      side,
      fc.integer({ min: 0, max: 4 }),
      fc.boolean(),
      fc.array(fc.constantFrom(0, 0, 90, 255), { minLength: 576, maxLength: 576 }),
      (width, height, feather, transparent, greys) => {
        const size = width * height;
        const pixels = Uint8Array.from({ length: 3 * size }, (_, i) => 1 + (i % 255));
        const before = Uint8Array.from({ length: size }, (_, i) => (i * 7) % 256);
        const coverage = Uint8Array.from(greys.slice(0, size));
        const picture = { width, height, pixels, ...(transparent && { alpha: before }) };
        const { pixels: after, alpha } = cutOut(picture, coverage, feather);
        for (let i = 0; i < size; i++) {
          const most = Math.round((coverage[i]! / 255) * (transparent ? before[i]! : 255));
          assert.ok(alpha![i]! <= most);
          if (feather === 0) assert.equal(alpha![i], most);
          const seen = alpha![i]! > 0 ? pixels.subarray(3 * i, 3 * i + 3) : new Uint8Array(3);
          assert.deepEqual(after.subarray(3 * i, 3 * i + 3), seen);
        }
      },
    ),
  );
});

test('the edge becomes opaque over the feather, inside what is covered; the border of the picture is no edge', () => {
  const [width, height] = [12, 3];
  const picture = { width, height, pixels: new Uint8Array(3 * width * height).fill(9) };
  const coverage = Uint8Array.from({ length: width * height }, (_, i) => (i % width < 6 ? 255 : 0));
  const { alpha } = cutOut(picture, coverage, 2);
  assert.deepEqual([...alpha!.subarray(width, 2 * width)], [255, 255, 255, 255, 170, 85, 0, 0, 0, 0, 0, 0]);
});
