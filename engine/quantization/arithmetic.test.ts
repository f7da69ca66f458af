import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BLOCK } from '../weights/quantized.ts';
import { fromBlocks, toBlocks, toInt8 } from './arithmetic.ts';

/** Matrices [K, N] of numbers of very different sizes. */
const matrices = fc
  .record({ rows: fc.integer({ min: 1, max: 70 }), columns: fc.integer({ min: 1, max: 4 }) })
  .chain(({ rows, columns }) =>
    fc.record({
      rows: fc.constant(rows),
      columns: fc.constant(columns),
      data: fc
        .array(fc.float({ min: -1000, max: 1000, noNaN: true }), {
          minLength: rows * columns,
          maxLength: rows * columns,
        })
        .map((values) => Float32Array.from(values)),
    }),
  );

const columnOf = (data: Float32Array, columns: number, n: number) => data.filter((_, i) => i % columns === n);
const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

for (const most of [127, 63])
  test(`int8 up to ${most}: no number is further off than half a step of its column`, () =>
    fc.assert(
      fc.property(matrices, ({ data, columns }) => {
        const { values, scale } = toInt8(data, columns, most);
        for (const [i, value] of data.entries()) {
          const step = scale[i % columns]!;
          assert.ok(Math.abs(values[i]!) <= most);
          assert.ok(Math.abs(values[i]! * step - value) <= step * 0.5001);
        }
        for (let n = 0; n < columns; n++) {
          const size = largest(columnOf(data, columns, n));
          if (size > 1e-6)
            assert.equal(largest(Float32Array.from(columnOf(Float32Array.from(values), columns, n))), most);
        }
      }),
    ));

test('int8: the extremes keep their signs, a column of zeros is zeros', () => {
  const { values, scale } = toInt8(Float32Array.of(-2, 0, 0, 2, 0, -0.1), 3);
  assert.deepEqual([...values], [-127, 0, 0, 127, 0, -127]);
  assert.ok(scale.every((step) => step > 0 && Number.isFinite(step)));
});

for (const bits of [4, 8] as const) {
  test(`blocks of ${bits} bits: what is not cut off is no further off than half a step, whatever is left over`, () =>
    fc.assert(
      fc.property(matrices, ({ rows, columns, data }) => {
        const quantized = toBlocks(data, columns, bits);
        const blocks = Math.ceil(rows / BLOCK);
        assert.equal(quantized.values.length, (columns * blocks * BLOCK * bits) / 8);
        assert.equal(quantized.scale.length, columns * blocks);
        const back = fromBlocks(quantized, rows, columns);
        for (let n = 0; n < columns; n++)
          for (let b = 0; b < blocks; b++) {
            const step = quantized.scale[n * blocks + b]!;
            const most = Math.abs(step) * (2 ** (bits - 1) - 1);
            for (let row = b * BLOCK; row < Math.min(rows, (b + 1) * BLOCK); row++) {
              const [value, got] = [data[row * columns + n]!, back[row * columns + n]!];
              if (Math.abs(value) <= most)
                assert.ok(Math.abs(got - value) <= Math.abs(step) * 0.501 + 1e-9, `${value} → ${got}`);
              else if (Math.abs(value) > 1e-30)
                assert.ok(Math.abs(got) >= most * 0.999 && got * value > 0, `${value} → ${got}`);
            }
          }
      }),
    ));

  test(`blocks of ${bits} bits: whole steps over the whole range are exact, of either sign`, () => {
    const [least, count] = [-(2 ** (bits - 1)), 2 ** bits];
    const steps = Float32Array.from(
      { length: BLOCK },
      (_, i) => 0.25 * (least + ((i * Math.ceil(count / BLOCK)) % count)),
    );
    for (const values of [steps, steps.map((value) => -value)])
      assert.deepEqual(fromBlocks(toBlocks(values, 1, bits), BLOCK, 1), values);
  });

  test(`blocks of ${bits} bits: blocks and columns have scales of their own; zeros are zeros`, () => {
    const rows = BLOCK + 3;
    const data = Float32Array.from({ length: 2 * rows }, (_, i) => {
      const [row, column] = [i >> 1, i & 1];
      if (column === 1) return row < BLOCK ? 0 : 5;
      return row < BLOCK ? 1000 * (row % 2 ? 1 : -1) : 1e-3;
    });
    const back = fromBlocks(toBlocks(data, 2, bits), rows, 2);
    for (const [i, value] of data.entries())
      assert.ok(Math.abs(back[i]! - value) <= Math.abs(value) / 7, `${i}: ${value} → ${back[i]}`);
  });
}

test('blocks of 4 bits: one number far from the others is cut off', () => {
  const data = Float32Array.from({ length: BLOCK }, (_, i) => (i === 5 ? 4 : Math.sin(i)));
  const error = (back: Float32Array) => back.reduce((sum, value, i) => sum + (value - data[i]!) ** 2, 0);
  const { scale } = toBlocks(data, 1, 4);
  assert.ok(8 * Math.abs(scale[0]!) < 4, 'the scale is not that of the largest');
  const uncut = data.map((value) => Math.max(-7, Math.min(8, Math.round(value / 0.5))) * 0.5);
  assert.ok(error(fromBlocks(toBlocks(data, 1, 4), BLOCK, 1)) < error(uncut));
});

test('int4: rows beyond the last stand for zero', () => {
  const { values } = toBlocks(Float32Array.of(1, -1, 1), 1, 4);
  assert.equal(values.length, BLOCK / 2);
  assert.deepEqual([...values.subarray(2)], new Array(BLOCK / 2 - 2).fill(0x88));
});
