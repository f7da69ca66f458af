import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { recipeOf } from '../../shared/testing.ts';
import { gaussianNoise } from '../noise.ts';
import type { Mask } from '../regions/mask.ts';
import { compose, cropPicture, encodePicture } from './compose.ts';
import { decodePicture, type Picture } from './read.ts';
import { windowPlanes } from './window.ts';

function noisePicture(width: number, height: number, alpha: boolean): Picture {
  const bytes = (stream: number, length: number) =>
    Uint8Array.from(gaussianNoise(1, stream, length), (value) => Math.floor(Math.abs(value) * 1000) % 256);
  const pixels = bytes(0, 3 * width * height);
  return { width, height, pixels, ...(alpha && { alpha: bytes(1, width * height) }) };
}

const black = (width: number, height: number) => new Float32Array(3 * width * height).fill(-1);

test('pixels outside the mask and alpha survive composing and encoding, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 0, max: 1000 }),
      async (width, height, alpha, feather, seed) => {
        const picture = noisePicture(width, height, alpha);
        const data = Uint8Array.from(gaussianNoise(seed, 2, width * height), (value) =>
          value > 0.5 ? 1 : 0,
        );
        const mask = { width, height, data };
        const window = { left: 0, top: 0, width: 40, height: 40 };
        const result = compose(picture, black(40, 40), window, mask, feather);
        const read = await decodePicture(await encodePicture(result), 'made.png');
        assert.deepEqual(read.pixels.length, picture.pixels.length);
        assert.deepEqual(read.alpha, picture.alpha);
        for (let i = 0; i < read.pixels.length; i++)
          if (!data[Math.floor(i / 3)]) assert.equal(read.pixels[i], picture.pixels[i]);
          else if (feather === 0) assert.equal(read.pixels[i], 0);
      },
    ),
    { numRuns: 25 },
  );
});

test('repainting with the same pixels changes nothing, feathered or not', () => {
  const picture = noisePicture(24, 16, false);
  const window = { left: 8, top: 0, width: 16, height: 16 };
  const mask = { width: 24, height: 16, data: new Uint8Array(24 * 16) };
  for (let y = 3; y < 12; y++) mask.data.fill(1, y * 24 + 9, y * 24 + 20);
  for (const feather of [0, 3])
    assert.deepEqual(
      compose(picture, windowPlanes(picture, window), window, mask, feather).pixels,
      picture.pixels,
    );
});

test('a feathered edge is inside the mask and rises towards its middle', () => {
  const picture = { width: 13, height: 13, pixels: new Uint8Array(3 * 169).fill(200) };
  const mask: Mask = { width: 13, height: 13, data: new Uint8Array(169) };
  for (let y = 2; y < 11; y++) mask.data.fill(1, y * 13 + 2, y * 13 + 11);
  const { pixels } = compose(picture, black(13, 13), { left: 0, top: 0, width: 13, height: 13 }, mask, 3);
  const row = Array.from({ length: 7 }, (_, x) => pixels[3 * (6 * 13 + x)]);
  assert.deepEqual(row, [200, 200, 150, 100, 50, 0, 0]);
});

test("the picture's own border is no edge", () => {
  const picture = { width: 4, height: 4, pixels: new Uint8Array(48).fill(200) };
  const mask = { width: 4, height: 4, data: new Uint8Array(16).fill(1) };
  const { pixels } = compose(picture, black(8, 8), { left: 0, top: 0, width: 8, height: 8 }, mask, 2);
  assert.ok(pixels.every((value) => value === 0));
});

test('an encoded picture carries its recipe', async () => {
  const recipe = recipeOf({ width: 8, height: 8 });
  const png = await encodePicture(noisePicture(8, 8, true), recipe);
  assert.deepEqual((await decodePicture(png, 'made.png')).recipe, recipe);
});

test('a soft mask takes as much of the repainted as it is white', () => {
  const picture = { width: 4, height: 1, pixels: new Uint8Array(12).fill(200) };
  const mask = { width: 4, height: 1, data: Uint8Array.of(0, 1, 1, 1) };
  const coverage = Uint8Array.of(0, 51, 128, 255);
  const window = { left: 0, top: 0, width: 4, height: 1 };
  const { pixels } = compose(picture, black(4, 1), window, mask, 0, coverage);
  assert.deepEqual(
    [0, 3, 6, 9].map((i) => pixels[i]),
    [200, 160, 100, 0],
  );
});

test('crops keep pixels and alpha', () => {
  const picture = noisePicture(5, 4, true);
  const part = cropPicture(picture, { y: { from: 1, to: 3 }, x: { from: 2, to: 5 } });
  assert.deepEqual([part.width, part.height], [3, 2]);
  assert.equal(part.alpha![3], picture.alpha![2 * 5 + 2]);
  assert.equal(part.pixels[3 * 4 + 1], picture.pixels[3 * (2 * 5 + 3) + 1]);
});
