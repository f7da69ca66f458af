import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../errors.ts';
import { bandMasks, bandSizes, cutBands, longerSide, mostBands } from './bands.ts';

test('bands cover every level once, none is empty, sizes follow the weights', () => {
  const cases = fc.record({
    height: fc.integer({ min: 1, max: 40 }),
    width: fc.integer({ min: 1, max: 40 }),
    levels: fc.integer({ min: 1, max: 4 }),
    weights: fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 1, maxLength: 6 }),
    axis: fc.constantFrom('x' as const, 'y' as const),
  });
  fc.assert(
    fc.property(cases, ({ height, width, levels, weights, axis }) => {
      const extent = { height, width };
      const given = weights.slice(0, mostBands(extent, levels, axis));
      const bands = cutBands(extent, levels, given, axis);
      const masks = given.map((_, k) => bandMasks(bands, k));
      for (let level = 0; level < levels; level++) {
        const covered = masks[0]![level]!.data.map((_, i) =>
          masks.reduce((count, mask) => count + mask[level]!.data[i]!, 0),
        );
        assert.ok(covered.every((count) => count === 1));
        const sizes = bandSizes(bands, level);
        for (const [k, mask] of masks.entries()) {
          assert.equal(
            mask[level]!.data.reduce((a, b) => a + b, 0),
            sizes[k],
          );
          assert.ok(sizes[k]! > 0);
        }
      }
    }),
  );
  const sizes = bandSizes(cutBands({ height: 64, width: 32 }, 4, [3, 1]), 0);
  assert.deepEqual(sizes, [48 * 32, 16 * 32]);
});

test('cuts run across the longer side', () => {
  assert.equal(longerSide({ height: 64, width: 128 }), 'x');
  assert.equal(longerSide({ height: 64, width: 64 }), 'y');
});

test('more bands than the coarsest level has positions are refused', () => {
  assert.throws(() => cutBands({ height: 16, width: 16 }, 4, [1, 1, 1]), InputError);
});
