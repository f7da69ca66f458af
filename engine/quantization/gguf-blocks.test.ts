import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { DEQUANTIZE, LEVELS } from '../weights/gguf/blocks.ts';
import { fittingForm, ownBlocks } from '../weights/gguf/own-blocks.ts';
import { GGUF_TYPES } from '../weights/gguf/types.ts';
import { fromBlocks } from './arithmetic.ts';

/** Where a block's numbers in half precision end. */
const HALVES: Record<string, number[]> = { Q4_1: [2, 4], Q5_1: [2, 4], Q4_K: [2, 4], Q5_K: [2, 4] };

for (const [dtype, { minimum: hasMinimum }] of Object.entries(LEVELS)) {
  const { bytes, values: inBlock } = [...GGUF_TYPES.values()].find(({ name }) => name === dtype)!;
  const matrices = fc
    .record({ columns: fc.integer({ min: 1, max: 3 }), across: fc.integer({ min: 1, max: 4 }) })
    .chain(({ columns, across }) => {
      const length = columns * across * bytes;
      return fc.record({
        columns: fc.constant(columns),
        across: fc.constant(across),
        stored: fc.uint8Array({ minLength: length, maxLength: length }),
      });
    });

  test(`${dtype}: our blocks hold the numbers of ggml's`, () => {
    fc.assert(
      fc.property(matrices, ({ columns, across, stored }) => {
        // Scales and minima are finite numbers.
        for (const end of HALVES[dtype] ?? [2])
          for (let at = end - 1; at < stored.length; at += bytes) stored[at]! &= 0xbb;
        const rows = inBlock * across;
        const expected = new Float32Array(columns * rows);
        DEQUANTIZE[dtype]!(stored, expected);
        const { bits } = fittingForm({ ...place, dtype, shape: [columns, rows] })!;
        const { minimum, ...blocks } = ownBlocks(stored, dtype, expected.length / 32);
        assert.ok(hasMinimum || minimum.every((value) => value === 0));
        const matrix = fromBlocks({ bits, ...blocks }, rows, columns);
        for (let n = 0; n < columns; n++)
          for (let row = 0; row < rows; row++) {
            const block = (n * rows + row) >> 5;
            const [value, wanted] = [matrix[row * columns + n]! + minimum[block]!, expected[n * rows + row]!];
            // With a minimum, 2^(bits − 1) scales are added to it and taken off again.
            const error = hasMinimum
              ? 2 ** -20 * (32 * Math.abs(blocks.scale[block]!) + Math.abs(wanted))
              : 0;
            assert.ok(Math.abs(value - wanted) <= error, `${value}, not ${wanted}`);
          }
      }),
    );
  });
}

const place = { name: 'w', file: 'f', offset: 0, length: 0 };

test('what has groups of 16, is no matrix, or has rows that are not whole blocks does not fit', () => {
  assert.equal(fittingForm({ ...place, dtype: 'Q6_K', shape: [4, 256] }), undefined);
  assert.equal(fittingForm({ ...place, dtype: 'Q8_0', shape: [32, 4, 3, 3] }), undefined);
  assert.equal(fittingForm({ ...place, dtype: 'Q8_0', shape: [64] }), undefined);
  assert.equal(fittingForm({ ...place, dtype: 'F16', shape: [4, 64] }), undefined);
  assert.equal(fittingForm({ ...place, dtype: 'Q8_0', shape: [4, 64, 1, 1] })?.bits, 8);
  assert.equal(fittingForm({ ...place, dtype: 'Q5_0', shape: [4, 64] })?.bits, 8);
});
