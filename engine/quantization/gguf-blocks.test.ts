import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { DEQUANTIZE } from '../weights/gguf/blocks.ts';
import { fittingBits, scalesOfBlocks, valuesOfBlocks } from '../weights/gguf/own-blocks.ts';
import { fromHalves } from '../weights/halves.ts';
import { fromBlocks } from './arithmetic.ts';

for (const [dtype, bits] of [
  ['Q8_0', 8],
  ['Q4_0', 4],
] as const) {
  const bytes = 2 + 4 * bits;
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

  test(`${dtype}: our blocks hold exactly the numbers of ggml's`, () => {
    fc.assert(
      fc.property(matrices, ({ columns, across, stored }) => {
        // A scale is a finite number.
        for (let at = 1; at < stored.length; at += bytes) stored[at]! &= 0xbb;
        const rows = 32 * across;
        const expected = new Float32Array(columns * rows);
        DEQUANTIZE[dtype]!(stored, expected);
        const halves = new Uint16Array(scalesOfBlocks(stored, bits).buffer);
        const scale = fromHalves(halves, new Float32Array(halves.length));
        const blocks = { bits, values: valuesOfBlocks(stored, bits), scale };
        const matrix = fromBlocks(blocks, rows, columns);
        for (let n = 0; n < columns; n++)
          for (let row = 0; row < rows; row++)
            assert.ok(matrix[row * columns + n] === expected[n * rows + row]);
      }),
    );
  });
}

test('what has a minimum, other bits, or rows that are not whole blocks does not fit', () => {
  const place = { name: 'w', file: 'f', offset: 0, length: 0 };
  assert.equal(fittingBits({ ...place, dtype: 'Q4_1', shape: [4, 64] }), undefined);
  assert.equal(fittingBits({ ...place, dtype: 'Q6_K', shape: [4, 256] }), undefined);
  assert.equal(fittingBits({ ...place, dtype: 'Q8_0', shape: [32, 4, 3, 3] }), undefined);
  assert.equal(fittingBits({ ...place, dtype: 'Q8_0', shape: [64] }), undefined);
  assert.equal(fittingBits({ ...place, dtype: 'Q8_0', shape: [4, 64, 1, 1] }), 8);
});
