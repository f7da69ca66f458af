import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptPart, objectMargin, removalMargin, withObjectMargins } from './margins.ts';
import { grown } from './morphology.ts';
import { blankRaster, copyOf, cut, paste, type Raster, wholeOf } from './raster.ts';

test('the margin of a removal grows with the image, between two bounds', () => {
  const margins = [64, 256, 512, 2048].map((side) => removalMargin({ width: side, height: 64 }));
  assert.deepEqual(margins, [12, 12, 24, 32]);
  assert.equal(removalMargin({ width: 64, height: 512 }), 24, 'the longer side counts');
});

test('the margin of an object is smaller than that of a removal, and grows with the image too', () => {
  for (const side of [64, 256, 512, 2048]) {
    const size = { width: 64, height: side };
    assert.ok(objectMargin(size) < removalMargin(size));
  }
  const margins = [64, 256, 512, 2048].map((side) => objectMargin({ width: side, height: 64 }));
  assert.deepEqual(margins, [8, 8, 16, 21]);
});

const SIDE = 64;

/** 255 in squares. */
function squares(...list: [left: number, top: number, side: number][]): Raster {
  const raster = blankRaster(SIDE, SIDE, 1);
  for (const [left, top, side] of list)
    for (let y = top; y < top + side; y++) raster.data.fill(255, SIDE * y + left, SIDE * y + left + side);
  return raster;
}

test('an object is painted with a margin, and what was painted beside it without', () => {
  const object = squares([24, 24, 10]);
  const mask = squares([24, 24, 10], [50, 50, 6]);
  const painted = withObjectMargins(mask, object);
  const at = (x: number, y: number) => painted.data[SIDE * y + x];
  assert.deepEqual([at(15, 28), at(16, 28), at(41, 28), at(42, 28)], [0, 255, 255, 0]);
  assert.deepEqual([at(49, 52), at(50, 52), at(55, 52), at(56, 52)], [0, 255, 255, 0]);
  assert.deepEqual(withObjectMargins(mask, blankRaster(SIDE, SIDE, 1)).data, mask.data, 'nothing selected');
  const alone = copyOf(object);
  paste(alone, grown(object, objectMargin(object))!);
  assert.deepEqual(withObjectMargins(object, object).data, alone.data, 'as a mask is grown');
});

test('what was taken off an object stays, and so do the greys of a mask', () => {
  const object = squares([24, 24, 16]);
  const mask = squares([24, 24, 16]);
  mask.data.fill(0, SIDE * 32 + 32, SIDE * 32 + 36);
  mask.data[SIDE * 30 + 30] = 200;
  const { data } = withObjectMargins(mask, object);
  assert.deepEqual([...data.slice(SIDE * 32 + 31, SIDE * 32 + 37)], [255, 0, 0, 0, 0, 255]);
  assert.equal(data[SIDE * 30 + 30], 200);
});

test('a part of what is painted is the same as in all of it', () => {
  const object = squares([20, 20, 12], [52, 0, 12]);
  const whole = { ...object, data: withObjectMargins(object, object, wholeOf(object)).data };
  for (const area of [
    { left: 0, top: 0, width: 20, height: 20 },
    { left: 30, top: 13, width: 34, height: 9 },
    { left: 12, top: 28, width: 1, height: 36 },
  ])
    assert.deepEqual(withObjectMargins(object, object, area), cut(whole, area));
});

test('a strip along each side that grows is not kept', () => {
  const size = { width: 128, height: 40 };
  const none = { left: 0, top: 0, right: 0, bottom: 0 };
  assert.deepEqual(keptPart(size, none), { left: 0, top: 0, width: 128, height: 40 });
  assert.deepEqual(keptPart(size, { ...none, left: 8, right: 64 }), {
    left: 16,
    top: 0,
    width: 96,
    height: 40,
  });
  // At most a quarter of the side.
  assert.deepEqual(keptPart(size, { ...none, bottom: 8 }), { left: 0, top: 0, width: 128, height: 30 });
});
