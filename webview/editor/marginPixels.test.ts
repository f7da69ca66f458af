import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dilate } from '../../engine/regions/mask.ts';
import { blankRaster } from '../../shared/raster.ts';
import { grownOnScreen, marginPixels } from './marginPixels.ts';

const SIZE = { width: 30, height: 20 };

function maskOf(places: readonly number[]) {
  const mask = blankRaster(SIZE.width, SIZE.height, 1);
  for (const place of places) mask.data[place] = 200;
  return mask;
}

test('on the screen a mask is grown as the engine grows it', () => {
  const places = fc.array(fc.nat(SIZE.width * SIZE.height - 1), { maxLength: 6 });
  const view = fc.record({
    scale: fc.constantFrom(1, 1.7, 2, 5),
    left: fc.integer({ min: -30, max: 30 }),
    top: fc.integer({ min: -30, max: 30 }),
  });
  fc.assert(
    fc.property(places, view, fc.nat(8), (places, view, margin) => {
      const mask = maskOf(places);
      const data = mask.data.map((value) => Number(value > 0));
      const expected = dilate({ ...SIZE, data }, margin).data;
      const area = { left: 3, top: 2, width: 50, height: 40 };
      const grown = grownOnScreen(area, view, mask, margin);
      for (let y = 0, i = 0; y < area.height; y++)
        for (let x = 0; x < area.width; x++, i++) {
          const column = Math.floor((area.left + x + 0.5 - view.left) / view.scale);
          const row = Math.floor((area.top + y + 0.5 - view.top) / view.scale);
          const isInside = column >= 0 && column < SIZE.width && row >= 0 && row < SIZE.height;
          assert.equal(grown[i], isInside ? expected[row * SIZE.width + column] : 0);
        }
    }),
    { numRuns: 60 },
  );
});

test('a picture that is shown smaller has its margin in proportion', () => {
  const mask = blankRaster(400, 400, 1);
  for (let y = 180; y < 220; y++) mask.data.fill(255, 400 * y + 180, 400 * y + 220);
  const area = { left: 0, top: 0, width: 100, height: 100 };
  const grown = grownOnScreen(area, { scale: 0.25, left: 0, top: 0 }, mask, 32);
  const row = grown.subarray(50 * 100, 51 * 100);
  assert.deepEqual([row.indexOf(1), row.lastIndexOf(1)], [37, 62]);
});

test('the grown outline is light dashes with a dark line around them, and nothing elsewhere', () => {
  const mask = maskOf([10 * SIZE.width + 15]);
  const pixels = marginPixels({ left: 0, top: 0, ...SIZE }, { scale: 1, left: 0, top: 0 }, mask, 7);
  const at = (x: number, y: number) =>
    pixels.subarray(4 * (SIZE.width * y + x), 4 * (SIZE.width * y + x) + 4).join();
  const edge = Array.from({ length: 12 }, (_, i) => at(9 + i, 3));
  assert.equal(edge.filter((pixel) => pixel === '255,255,255,255').length, 7);
  assert.equal(edge.filter((pixel) => pixel === '0,0,0,128').length, 5);
  assert.equal(at(15, 2), '0,0,0,128', 'around');
  assert.equal(at(15, 1), '0,0,0,0', 'outside');
  assert.equal(at(15, 10), '0,0,0,0', 'inside');
});
