import assert from 'node:assert/strict';
import test from 'node:test';
import { InputError } from '../errors.ts';
import { defaultsOf } from './model.ts';
import { imageSize, sizesOf } from './sizes.ts';

test('sides are whole latent positions, and multiples of 8 at least', () => {
  assert.deepEqual(sizesOf({ scale: 4 }), { min: 64, max: 2048, multipleOf: 8 });
  assert.deepEqual(sizesOf({ scale: 8 }), { min: 64, max: 2048, multipleOf: 8 });
  assert.deepEqual(sizesOf({ scale: 32 }), { min: 64, max: 2048, multipleOf: 32 });
});

test('what is recommended counts where the model has such images, else what it was trained for', () => {
  const latents = { scale: 32, sizes: sizesOf({ scale: 32 }) };
  const sides = (config: object, recommended = {}) => {
    const { width, height } = defaultsOf(config, latents, recommended);
    return [width, height];
  };
  assert.deepEqual(sides({ sample_size: 32 }), [1024, 1024]);
  assert.deepEqual(sides({ sample_size: [8, 16] }, { width: 256, height: 200 }), [256, 256]);
  assert.deepEqual(sides({ sample_size: 4096 }), [512, 512]);
  assert.deepEqual(sides({}), [512, 512]);
});

test('a size that the model has no images of is refused with the nearest', () => {
  const sizes = sizesOf({ scale: 32 });
  const defaults = { steps: 1, guidance: 1, width: 512, height: 512 };
  const model = { name: 'Tiles', sizes, defaults };
  assert.deepEqual(imageSize(model, { width: 96 }), { width: 96, height: 512 });
  assert.throws(
    () => imageSize(model, { height: 520 }),
    (error) =>
      error instanceof InputError &&
      error.message ===
        'The height of an image by Tiles must be a multiple of 32 from 64 to 2048 pixels, not 520; the nearest is 512.',
  );
});
