import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blankRaster, boundsOf, type Raster } from '../../../shared/raster.ts';
import { paintPolygon, paintRectangle } from './shapes.ts';
import { cover, type Point, paintSegment, uncover } from './strokes.ts';

const SIZE = 40;
const at = (mask: Raster, x: number, y: number) => mask.data[y * mask.width + x]!;
const point: fc.Arbitrary<Point> = fc.record({
  x: fc.double({ min: -5, max: SIZE + 5, noNaN: true }),
  y: fc.double({ min: -5, max: SIZE + 5, noNaN: true }),
});

test('a stroke covers what is nearer than its radius and nothing farther', () => {
  fc.assert(
    fc.property(point, point, fc.integer({ min: 1, max: 12 }), (from, to, radius) => {
      const mask = blankRaster(SIZE, SIZE, 1);
      paintSegment(mask, from, to, { radius, softness: 0 }, cover);
      for (let y = 0; y < SIZE; y++)
        for (let x = 0; x < SIZE; x++) {
          const distance = distanceTo({ x: x + 0.5, y: y + 0.5 }, from, to);
          if (distance < radius - 0.51) assert.equal(at(mask, x, y), 255);
          if (distance > radius + 0.51) assert.equal(at(mask, x, y), 0);
        }
    }),
  );
});

test('a soft brush fades from its middle; painting twice is painting once; the eraser takes it away', () => {
  const mask = blankRaster(SIZE, SIZE, 1);
  const stroke = () =>
    paintSegment(mask, { x: 20.5, y: 20.5 }, { x: 20.5, y: 20.5 }, { radius: 10, softness: 1 }, cover);
  stroke();
  const row = Array.from({ length: 11 }, (_, i) => at(mask, 20 + i, 20));
  assert.equal(row[0], 255);
  for (let i = 1; i < row.length; i++) assert.ok(row[i]! <= row[i - 1]!, String(row));
  assert.ok(row[5]! > 100 && row[5]! < 180 && row[10]! < 10, String(row));
  const once = mask.data.slice();
  stroke();
  assert.deepEqual(mask.data, once);
  paintSegment(mask, { x: 0, y: 20 }, { x: 40, y: 20 }, { radius: 12, softness: 0 }, uncover);
  assert.equal(boundsOf(mask), undefined);
});

test('what is said to have changed holds all that has', () => {
  fc.assert(
    fc.property(point, point, fc.integer({ min: 1, max: 9 }), fc.boolean(), (from, to, radius, line) => {
      const mask = blankRaster(SIZE, SIZE, 1);
      const area = line
        ? paintSegment(mask, from, to, { radius, softness: 0.5 }, cover)
        : paintRectangle(mask, from, to, cover);
      const bounds = boundsOf(mask);
      if (!bounds) return;
      assert.ok(bounds.left >= area.left && bounds.top >= area.top);
      assert.ok(bounds.left + bounds.width <= area.left + area.width);
      assert.ok(bounds.top + bounds.height <= area.top + area.height);
    }),
  );
});

test('a lasso fills what it encloses, smooth at its edge', () => {
  const mask = blankRaster(SIZE, SIZE, 1);
  paintPolygon(
    mask,
    [
      { x: 5, y: 5 },
      { x: 25, y: 5 },
      { x: 25, y: 15.5 },
      { x: 5, y: 15.5 },
    ],
    cover,
  );
  assert.deepEqual(boundsOf(mask), { left: 5, top: 5, width: 20, height: 11 });
  assert.equal(at(mask, 10, 10), 255);
  assert.equal(at(mask, 10, 15), 128);
  // A line that crosses itself leaves its middle out.
  const star = Array.from({ length: 5 }, (_, i) => ({
    x: 20 + 18 * Math.sin((4 * Math.PI * i) / 5),
    y: 20 - 18 * Math.cos((4 * Math.PI * i) / 5),
  }));
  const hollow = blankRaster(SIZE, SIZE, 1);
  paintPolygon(hollow, star, cover);
  assert.equal(at(hollow, 20, 20), 0);
  assert.equal(at(hollow, 20, 8), 255);
});

function distanceTo(p: Point, a: Point, b: Point): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length2 = dx * dx + dy * dy;
  const t = length2 > 0 ? Math.max(0, Math.min(1, ((p.x - a.x) * dx + (p.y - a.y) * dy) / length2)) : 0;
  return Math.hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}
