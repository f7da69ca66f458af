import assert from 'node:assert/strict';
import { test } from 'node:test';
import { steeringMask } from './steering-mask.ts';

const NAME = 'The mask';
const raster = (width: number, height: number, isWhite: (x: number, y: number) => boolean) => ({
  width,
  height,
  channels: 1 as const,
  data: Uint8Array.from({ length: width * height }, (_, i) =>
    isWhite(i % width, Math.floor(i / width)) ? 255 : 0,
  ),
});
const inBox = (x: number, y: number) => x >= 2 && x < 6 && y >= 1 && y < 4;

test('on an extended image a mask stays where it was, also one that is scaled', async () => {
  const extend = { left: 5, top: 3, right: 0, bottom: 2 };
  const image = { width: 13, height: 11, extend, scale: 1 };
  const expected = raster(13, 11, (x, y) => inBox(x - 5, y - 3)).data.map((value) => value / 255);
  const small = raster(8, 6, inBox);
  const twice = raster(16, 12, (x, y) => inBox(x >> 1, y >> 1));
  for (const mask of [small, twice])
    assert.deepEqual(await steeringMask(mask, image, NAME), { width: 13, height: 11, data: expected });
});

test('a mask of the whole canvas may mark what is new', async () => {
  const image = { width: 13, height: 6, extend: { left: 5, top: 0, right: 0, bottom: 0 }, scale: 1 };
  const mask = raster(13, 6, (x) => x < 5);
  const { data } = await steeringMask(mask, image, NAME);
  assert.deepEqual(
    data,
    mask.data.map((value) => value / 255),
  );
});
