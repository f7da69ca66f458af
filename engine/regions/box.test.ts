import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { areaOf, type Box, boundsOf, grown, mergeBoxes, partsOf, positionsIn, union } from './box.ts';
import type { Mask } from './mask.ts';
import { dilate } from './mask.ts';

const masks = fc
  .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), fc.infiniteStream(fc.nat(5)))
  .map(([height, width, random]): Mask => {
    const data = Uint8Array.from({ length: height * width }, () => (random.next().value === 0 ? 1 : 0));
    return { height, width, data };
  });

test('the parts of a mask hold every active position, and no more', () => {
  fc.assert(
    fc.property(masks, fc.integer({ min: 1, max: 8 }), (mask, most) => {
      const parts = partsOf(mask, most);
      assert.ok(parts.length <= most);
      const held = new Set(parts.flatMap((part) => [...positionsIn(part, mask.width)]));
      for (const [position, value] of mask.data.entries()) if (value) assert.ok(held.has(position));
      const bounds = boundsOf(mask);
      assert.equal(parts.length === 0, bounds === undefined);
      for (const part of parts) assert.deepEqual(union(part, bounds!), bounds);
    }),
  );
});

test('diagonal neighbours are one part', () => {
  const mask = { height: 3, width: 5, data: Uint8Array.of(1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1) };
  assert.deepEqual(partsOf(mask), [
    { y: { from: 0, to: 2 }, x: { from: 0, to: 2 } },
    { y: { from: 0, to: 1 }, x: { from: 4, to: 5 } },
    { y: { from: 2, to: 3 }, x: { from: 4, to: 5 } },
  ]);
});

test('rectangles are merged where that costs no more', () => {
  const box = (x: number): Box => ({ y: { from: 0, to: 2 }, x: { from: x, to: x + 2 } });
  const boxes = [box(0), box(3), box(40)];
  const withMargin = (margin: number) => (some: Box) => areaOf(grown(some, margin));
  assert.equal(mergeBoxes(boxes, withMargin(0)).length, 3);
  assert.deepEqual(mergeBoxes(boxes, withMargin(3)), [
    box(40),
    { y: { from: 0, to: 2 }, x: { from: 0, to: 5 } },
  ]);
});

test('dilation is a square around every active position', () => {
  fc.assert(
    fc.property(masks, fc.integer({ min: 0, max: 4 }), (mask, by) => {
      const { height, width } = mask;
      const expected = Uint8Array.from({ length: height * width }, (_, position) => {
        const [y, x] = [Math.floor(position / width), position % width];
        const near = mask.data.some((value, other) => {
          const [row, column] = [Math.floor(other / width), other % width];
          return value === 1 && Math.abs(row - y) <= by && Math.abs(column - x) <= by;
        });
        return near ? 1 : 0;
      });
      assert.deepEqual(dilate(mask, by).data, expected);
    }),
  );
});
