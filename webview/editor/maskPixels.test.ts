import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blankRaster } from '../../shared/raster.ts';
import { maskPixels } from './maskPixels.ts';

const LOOK = { colour: [255, 0, 0] as const, opacity: 0.5 };
const VIEW = { scale: 1, left: 0, top: 0 };

function square() {
  const mask = blankRaster(40, 40, 1);
  for (let y = 10; y < 30; y++) mask.data.fill(255, 40 * y + 10, 40 * y + 30);
  return { mask, hint: blankRaster(40, 40, 1) };
}

test('a mask is tinted inside, light along its edge, dark around it, and nothing elsewhere', () => {
  const pixels = maskPixels({ left: 0, top: 0, width: 40, height: 40 }, VIEW, square(), LOOK);
  const at = (x: number, y: number) => [...pixels.subarray(4 * (40 * y + x), 4 * (40 * y + x) + 4)];
  assert.deepEqual(at(10, 20), [255, 255, 255, 255]);
  assert.deepEqual(at(9, 20), [0, 0, 0, 255]);
  assert.deepEqual(at(8, 20), [0, 0, 0, 0]);
  const tints = Array.from({ length: 9 }, (_, x) => at(14 + x, 20).join());
  assert.equal(tints.filter((tint) => tint === '255,0,0,128').length, 7, 'two of nine are hatching');
});

test('a part of the screen looks as it does in the whole', () => {
  const whole = maskPixels(
    { left: 0, top: 0, width: 90, height: 70 },
    { ...VIEW, scale: 1.7, left: 3 },
    square(),
    LOOK,
  );
  const side = fc.integer({ min: 1, max: 20 });
  fc.assert(
    fc.property(fc.nat(69), fc.nat(49), side, side, (left, top, width, height) => {
      const area = { left, top, width, height };
      const part = maskPixels(area, { ...VIEW, scale: 1.7, left: 3 }, square(), LOOK);
      for (let y = 0; y < height; y++)
        for (let i = 0; i < 4 * width; i++)
          assert.equal(part[4 * width * y + i], whole[4 * (90 * (top + y) + left) + i]);
    }),
    { numRuns: 30 },
  );
});
