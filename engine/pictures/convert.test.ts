import assert from 'node:assert/strict';
import test from 'node:test';
import sharp from 'sharp';
import type { Recipe } from '../../shared/api.ts';
import { convertPicture, formatOf } from './convert.ts';
import { psnr } from './psnr.ts';
import { decodePicture } from './read.ts';
import { withRecipe } from './recipe.ts';

const recipe: Recipe = {
  prompt: 'a réd house, 家',
  negativePrompt: 'rain',
  model: 'scenes',
  seed: 7,
  steps: 4,
  guidance: 3,
  width: 24,
  height: 16,
  scheduler: 'ddim',
  precision: 'fp32',
};

test('pictures are written by their ending, with their recipe in each format', async () => {
  const pixels = Uint8Array.from({ length: 24 * 16 * 3 }, (_, i) => (i * 7) % 200);
  const bare = await sharp(pixels, { raw: { width: 24, height: 16, channels: 3 } })
    .png()
    .toBuffer();
  const png = withRecipe(bare, recipe);
  for (const [file, format] of [
    ['a.PNG', 'png'],
    ['a.jpg', 'jpeg'],
    ['a.jpeg', 'jpeg'],
    ['a.webp', 'webp'],
  ] as const) {
    const bytes = await convertPicture(png, formatOf(file), recipe);
    assert.equal((await sharp(bytes).metadata()).format, format);
    const read = await decodePicture(bytes, file);
    assert.deepEqual(read.recipe, recipe);
    if (format === 'jpeg') assert.ok(psnr(pixels, read.pixels) > 25);
    else assert.deepEqual(Uint8Array.from(read.pixels), pixels);
  }
});

test('other endings are refused by name', () => {
  for (const file of ['pictures/a.bmp', 'a', '.png', 'a.png.txt'])
    assert.throws(() => formatOf(file), /must end in \.png, \.jpg, \.jpeg or \.webp/, file);
});
