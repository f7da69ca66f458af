import assert from 'node:assert/strict';
import test from 'node:test';
import { objectInput } from './crop.ts';

const input = { size: 8, mean: [0, 0, 0], deviation: [1, 1, 1] } as const;

test('a mask of another shape than the picture covers the same share of each side', async () => {
  const pixels = { width: 64, height: 64, data: new Uint8Array(3 * 64 * 64).fill(200) };
  const thin = await objectInput(
    pixels,
    { width: 1, height: 8192, data: new Uint8Array(8192).fill(1) },
    input,
  );
  const whole = await objectInput(
    pixels,
    { width: 64, height: 64, data: new Uint8Array(64 * 64).fill(1) },
    input,
  );
  assert.deepEqual(thin, whole);
});
