import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { convertPicture } from '../../engine/pictures/convert.ts';
import { withRecipe } from '../../engine/pictures/recipe.ts';
import type { Recipe } from '../../shared/api.ts';
import { recipeIn } from './recipeIn.ts';

const recipe: Recipe = {
  prompt: 'a house',
  negativePrompt: '',
  model: 'scenes',
  seed: 7,
  steps: 4,
  guidance: 3,
  width: 8,
  height: 8,
  scheduler: 'ddim',
  precision: 'fp32',
};
const bare = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
  .png()
  .toBuffer();

test('PNG, JPEG and WebP files carry their recipe', async () => {
  const png = withRecipe(bare, recipe);
  for (const format of ['png', 'jpeg', 'webp'] as const)
    assert.deepEqual(await recipeIn(`a.${format}`, await convertPicture(png, format, recipe)), recipe);
});

test('what has none is refused by name', async () => {
  await assert.rejects(recipeIn('a.png', bare), /^InputError: a\.png carries no recipe/);
  await assert.rejects(
    recipeIn('notes.txt', Buffer.from('no image')),
    /^InputError: notes\.txt is not an image/,
  );
});
