import { LIMITS } from '../../shared/limits.ts';
import { isSide, nearestSide, type SizeLimits, sidesInWords } from '../../shared/sizes.ts';
import { InputError } from '../errors.ts';
import type { Model } from './model.ts';

interface Size {
  width: number;
  height: number;
}

/**
 * Sizes of a model's images, from the geometry of its latents.
 * @param scale pixels along a side of the smallest part that the denoiser sees: a latent position, or a patch of them
 * @param only latent positions along a side, where the denoiser computes images of that size only
 * @throws InputError if there are no images of that size
 */
export function sizesOf({ scale }: { scale: number }, only?: number): SizeLimits {
  const { min, max, multipleOf } = LIMITS.size;
  // Both are powers of two.
  const step = Math.max(multipleOf, scale);
  if (only !== undefined) {
    const side = only * scale;
    if (!isSide(side)) throw new InputError(`Images of ${side} pixels along a side are not supported.`);
    return { min: side, max: side, multipleOf: step };
  }
  return { min: Math.ceil(min / step) * step, max: Math.floor(max / step) * step, multipleOf: step };
}

/**
 * The requested size, or else the model's own.
 * @throws InputError with the nearest size if the model has no images of this one
 */
export function imageSize(model: Pick<Model, 'name' | 'sizes' | 'defaults'>, asked: Partial<Size>): Size {
  const { width = model.defaults.width, height = model.defaults.height } = asked;
  for (const [name, side] of Object.entries({ width, height }))
    if (!isSide(side, model.sizes))
      throw new InputError(
        `The ${name} of an image by ${model.name} must be ${sidesInWords(model.sizes)} pixels, not ${side}; the nearest is ${nearestSide(side, model.sizes)}.`,
      );
  return { width, height };
}
