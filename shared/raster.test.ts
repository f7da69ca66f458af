import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Area, blankRaster, boundsOf, clip, cut, difference, fits, paste, unite } from './raster.ts';

const size = { width: 12, height: 9 };
const area: fc.Arbitrary<Area> = fc
  .tuple(fc.nat(11), fc.nat(8), fc.nat(11), fc.nat(8))
  .map(([x0, y0, x1, y1]) => ({
    left: Math.min(x0, x1),
    top: Math.min(y0, y1),
    width: Math.abs(x1 - x0) + 1,
    height: Math.abs(y1 - y0) + 1,
  }));

test('what is cut and pasted back changes nothing; what is pasted is what differs', () => {
  fc.assert(
    fc.property(area, fc.constantFrom(1, 3), (box, channels) => {
      const raster = blankRaster(size.width, size.height, channels);
      raster.data.forEach((_, i) => {
        raster.data[i] = 1 + (i % 200);
      });
      const before = { ...raster, data: raster.data.slice() };
      paste(raster, cut(raster, box));
      assert.equal(difference(before, raster), undefined);
      paste(raster, { ...box, data: new Uint8Array(box.width * box.height * channels) });
      assert.deepEqual(difference(before, raster), box);
    }),
  );
});

test('bounds are those of what is not zero', () => {
  fc.assert(
    fc.property(area, area, (a, b) => {
      const raster = blankRaster(size.width, size.height, 1);
      assert.equal(boundsOf(raster), undefined);
      for (const box of [a, b])
        paste(raster, { ...box, data: new Uint8Array(box.width * box.height).fill(9) });
      assert.deepEqual(boundsOf(raster), unite(a, b));
    }),
  );
});

test('areas are clipped to whole pixels inside', () => {
  assert.deepEqual(clip({ left: -3.5, top: 2.2, width: 6, height: 2 }, size), {
    left: 0,
    top: 2,
    width: 3,
    height: 3,
  });
  assert.equal(clip({ left: 20, top: 0, width: 5, height: 5 }, size).width, 0);
  assert.ok(fits({ left: 0, top: 0, ...size }, size));
  for (const odd of [{ left: 1 }, { top: -1 }, { width: 1.5 }, { height: Number.NaN }])
    assert.ok(!fits({ left: 0, top: 0, ...size, ...odd }, size), JSON.stringify(odd));
});
