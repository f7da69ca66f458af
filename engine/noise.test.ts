import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gaussianNoise, philox, START_NOISE, stepNoise } from './noise.ts';

test('Philox4x32-10 gives the numbers of its authors', () => {
  const block = new Uint32Array(4);
  philox(0, 0, 0, block);
  // From kat_vectors of the Random123 distribution.
  assert.deepEqual([...block], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
});

test('noise is standard normal', () => {
  const noise = gaussianNoise(42, START_NOISE, 400_000);
  const moment = (power: number) => noise.reduce((sum, x) => sum + x ** power, 0) / noise.length;
  assert.ok(Math.abs(moment(1)) < 0.006);
  assert.ok(Math.abs(moment(2) - 1) < 0.01);
  assert.ok(Math.abs(moment(3)) < 0.02);
  assert.ok(Math.abs(moment(4) - 3) < 0.06);
  assert.ok(noise.every(Number.isFinite));
  const lag = noise.reduce((sum, x, i) => sum + x * (noise[i + 1] ?? 0), 0) / noise.length;
  assert.ok(Math.abs(lag) < 0.006);
});

test('a value depends on seed, stream and place only', () => {
  const noise = gaussianNoise(7, stepNoise(2), 1001);
  assert.deepEqual(gaussianNoise(7, stepNoise(2), 10), noise.slice(0, 10));
  assert.notDeepEqual(gaussianNoise(8, stepNoise(2), 10), noise.slice(0, 10));
  assert.notDeepEqual(gaussianNoise(7, stepNoise(3), 10), noise.slice(0, 10));
  assert.notDeepEqual(gaussianNoise(7, START_NOISE, 10), gaussianNoise(7, stepNoise(0), 10));
  assert.notDeepEqual(gaussianNoise(2 ** 32 - 1, 0, 4), gaussianNoise(2 ** 31 - 1, 0, 4));
  // Beyond 32 bits, too.
  const large = [7, 2 ** 32 + 7, 2 ** 52 + 7, 2 ** 53 - 1].map((seed) => gaussianNoise(seed, 0, 8).join());
  assert.equal(new Set(large).size, large.length);
});

test('the numbers of a seed never change', () => {
  // Recorded when the generator was written; pictures would change with them.
  const expected = [0.38040074706077576, -0.29627788066864014, -0.2492334246635437, -1.00383722782135];
  assert.ok(gaussianNoise(1, 0, 4).every((value, i) => Math.abs(value - expected[i]!) < 1e-6));
});
