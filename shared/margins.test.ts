import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptPart, removalMargin } from './margins.ts';

test('the margin of a removal grows with the image, between two bounds', () => {
  const margins = [64, 256, 512, 2048].map((side) => removalMargin({ width: side, height: 64 }));
  assert.deepEqual(margins, [12, 12, 24, 32]);
  assert.equal(removalMargin({ width: 64, height: 512 }), 24, 'the longer side counts');
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
