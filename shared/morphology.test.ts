import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { feathered, grown, inverted, shrunk } from './morphology.ts';
import { blankRaster, boundsOf, paste, type Raster } from './raster.ts';

const SIZE = 40;
const at = (mask: Raster, x: number, y: number) => mask.data[y * mask.width + x]!;

test('growing and shrinking by a disc', () => {
  const mask = blankRaster(SIZE, SIZE, 1);
  assert.equal(grown(mask, 3), undefined);
  assert.equal(shrunk(mask, 3), undefined);
  mask.data[20 * SIZE + 20] = 200;
  paste(mask, grown(mask, 4)!);
  for (let y = 0; y < SIZE; y++)
    for (let x = 0; x < SIZE; x++)
      assert.equal(at(mask, x, y), Math.hypot(x - 20, y - 20) <= 4 ? 200 : 0, `${x} ${y}`);
  paste(mask, shrunk(mask, 4)!);
  assert.deepEqual(boundsOf(mask), { left: 20, top: 20, width: 1, height: 1 });
  const full = blankRaster(SIZE, SIZE, 1);
  full.data.fill(255);
  assert.ok(
    shrunk(full, 3)!.data.every((value) => value === 255),
    'the border is no edge',
  );
});

test('feathering fades an edge to both sides, as far as it says, and keeps what is deep inside', () => {
  const mask = blankRaster(SIZE, SIZE, 1);
  assert.equal(feathered(mask, 5), undefined);
  for (let y = 0; y < SIZE; y++) mask.data.fill(255, y * SIZE + 20, (y + 1) * SIZE);
  for (const radius of [1, 2, 6, 9]) {
    const soft = blankRaster(SIZE, SIZE, 1);
    soft.data.set(mask.data);
    paste(soft, feathered(mask, radius)!);
    const row = Array.from({ length: SIZE }, (_, x) => at(soft, x, 20));
    for (let x = 1; x < SIZE; x++) assert.ok(row[x]! >= row[x - 1]!, String(row));
    assert.equal(row[19 - radius], 0);
    assert.equal(row[20 + radius], 255);
    assert.ok(row[19]! > 0 && row[20]! < 255, String(row));
    assert.ok(Math.abs(row[19]! + row[20]! - 255) <= 2, 'the edge stays where it is');
  }
});

test('growing is the largest value in a disc, shrinking the smallest', () => {
  const value = fc.record({ x: fc.nat(19), y: fc.nat(19), v: fc.integer({ min: 1, max: 255 }) });
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      (dots, r) => {
        const mask = blankRaster(20, 20, 1);
        for (const { x, y, v } of dots) mask.data[20 * y + x] = v;
        for (const [make, pick, outside] of [
          [grown, Math.max, 0],
          [shrunk, Math.min, 255],
        ] as const) {
          const made = blankRaster(20, 20, 1);
          paste(made, make(mask, r)!);
          for (let i = 0; i < 400; i++) {
            const [x, y] = [i % 20, Math.floor(i / 20)];
            let best: number = outside;
            for (let dy = -r; dy <= r; dy++)
              for (let dx = -r; dx <= r; dx++)
                if (dx * dx + dy * dy <= r * r && x + dx >= 0 && x + dx < 20 && y + dy >= 0 && y + dy < 20)
                  best = pick(best, mask.data[20 * (y + dy) + x + dx]!);
            assert.equal(made.data[i], best, `${make.name} ${x} ${y}`);
          }
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('inverting twice changes nothing', () => {
  const mask = blankRaster(SIZE, SIZE, 1);
  for (let i = 0; i < mask.data.length; i++) mask.data[i] = (7 * i) % 256;
  const before = mask.data.slice();
  paste(mask, inverted(mask));
  assert.notDeepEqual(mask.data, before);
  paste(mask, inverted(mask));
  assert.deepEqual(mask.data, before);
});
