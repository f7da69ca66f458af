import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readFloat32 } from '../engine/weights/read.ts';
import { temporaryFolder } from '../engine/weights/testing.ts';
import { toHalves } from './halves.ts';

const folder = await temporaryFolder();

const half = (value: number) => toHalves(Float32Array.of(value))[0]!;

/** The numbers that halves stand for, read as a checkpoint's. */
async function valuesOf(halves: Uint16Array): Promise<Float32Array> {
  const file = join(folder, 'halves');
  await writeFile(file, new Uint8Array(halves.buffer));
  const place = { offset: 0, length: halves.byteLength, shape: [halves.length] };
  return readFloat32({ name: 'halves', dtype: 'F16', file, ...place });
}

test('known values', () => {
  const known: [number, number][] = [
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [1 / 3, 0x3555],
    [65504, 0x7bff],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [1023 * 2 ** -24, 0x03ff],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
    [Number.NaN, 0x7e00],
  ];
  for (const [value, bits] of known) assert.equal(half(value), bits, String(value));
});

test('ties go to even, in normal and in subnormal numbers', () => {
  assert.equal(half(1 + 2 ** -11), 0x3c00);
  assert.equal(half(1 + 3 * 2 ** -11), 0x3c02);
  assert.equal(half(1 + 2 ** -11 + 2 ** -20), 0x3c01);
  assert.equal(half(2 ** -25), 0x0000);
  assert.equal(half(3 * 2 ** -25), 0x0002);
  assert.equal(half(2 ** -25 + 2 ** -40), 0x0001);
  assert.equal(half(1023.5 * 2 ** -24), 0x0400, 'the largest subnormal rounds up to a normal number');
});

test('beyond the range: infinity above, zero below', () => {
  assert.equal(half(65519.99), 0x7bff);
  assert.equal(half(65520), 0x7c00);
  assert.equal(half(-1e30), 0xfc00);
  assert.equal(half(2 ** -26), 0x0000);
  assert.equal(half(-1e-30), 0x8000);
});

test('every half is itself again', async () => {
  const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
  const values = await valuesOf(all);
  const again = toHalves(values);
  for (const [bits, value] of values.entries()) if (!Number.isNaN(value)) assert.equal(again[bits], bits);
});

test('no half is nearer', async () => {
  const values = await valuesOf(Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits));
  const range = fc.float({ min: 0, max: 65504, noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(range, (value) => {
      const bits = half(value);
      const error = Math.abs(values[bits]! - value);
      for (const other of [bits - 1, bits + 1])
        if (values[other] !== undefined) assert.ok(error <= Math.abs(values[other] - value));
    }),
    { numRuns: 2000 },
  );
});
