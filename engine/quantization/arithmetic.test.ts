import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BLOCK, fromInt4, toInt4, toInt8 } from './arithmetic.ts';

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

test('int4: no number is further off than a step of its block, whatever is left over of the last one', () =>
  fc.assert(
    fc.property(matrices, ({ rows, columns, data }) => {
      const quantized = toInt4(data, columns);
      const blocks = Math.ceil(rows / BLOCK);
      assert.equal(quantized.values.length, (columns * blocks * BLOCK) / 2);
      assert.equal(quantized.scale.length, columns * blocks);
      const back = fromInt4(quantized, rows, columns);
      for (const [i, value] of data.entries()) {
        const block = (i % columns) * blocks + Math.floor(i / columns / BLOCK);
        const step = Math.abs(quantized.scale[block]!);
        // The number opposite the largest may be cut off by one step.
        assert.ok(Math.abs(back[i]! - value) <= step * 1.001 + 1e-12, `${value} → ${back[i]}`);
      }
    }),
  ));

test('int4: whole steps from −8 to 7, and from −7 to 8, are exact', () => {
  const steps = Float32Array.from({ length: BLOCK }, (_, i) => 0.25 * ((i % 16) - 8));
  for (const values of [steps, steps.map((value) => -value)])
    assert.deepEqual(fromInt4(toInt4(values, 1), BLOCK, 1), values);
});

test('int4: blocks and columns have scales of their own; zeros are zeros', () => {
  const rows = BLOCK + 3;
  const data = Float32Array.from({ length: 2 * rows }, (_, i) => {
    const [row, column] = [i >> 1, i & 1];
    if (column === 1) return row < BLOCK ? 0 : 5;
    return row < BLOCK ? 1000 * (row % 2 ? 1 : -1) : 1e-3;
  });
  const back = fromInt4(toInt4(data, 2), rows, 2);
  for (const [i, value] of data.entries())
    assert.ok(Math.abs(back[i]! - value) <= Math.abs(value) / 7, `${i}: ${value} → ${back[i]}`);
});

test('int4: rows beyond the last stand for zero', () => {
  const { values } = toInt4(Float32Array.of(1, -1, 1), 1);
  assert.equal(values.length, BLOCK / 2);
  assert.deepEqual([...values.subarray(2)], new Array(BLOCK / 2 - 2).fill(0x88));
});
