import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { encodePng } from './png.ts';

const decode = async (png: Uint8Array) => sharp(png).raw().toBuffer({ resolveWithObject: true });

test('planes become pixels, rounded and clamped', async () => {
  const planes = Float32Array.of(-1, 1, 0, 0.5, 2, -3, -0.99, 0.004, Number.NaN, 0.6 / 127.5, -1, 1);
  const { data, info } = await decode(await encodePng(planes, 2, 2));
  assert.deepEqual([info.width, info.height, info.channels], [2, 2, 3]);
  assert.deepEqual([...data], [0, 255, 0, 255, 0, 128, 128, 1, 0, 191, 128, 255]);
});

test('a fourth plane is the opacity', async () => {
  const planes = new Float32Array(4 * 6).fill(1).fill(-1, 18);
  const { data, info } = await decode(await encodePng(planes, 3, 2));
  assert.equal(info.channels, 4);
  assert.equal(data[3], 0);
});

test('a wrong number of values is an error', async () => {
  await assert.rejects(encodePng(new Float32Array(7), 2, 2), RangeError);
});
