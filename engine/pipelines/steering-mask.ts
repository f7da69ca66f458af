import type { RegionChoice } from '../../shared/api.ts';
import { type Extension, extendMask } from '../pictures/canvas.ts';
import { maskFor } from '../pictures/mask.ts';
import { decodePicture } from '../pictures/read.ts';
import type { Mask } from '../regions/mask.ts';

/** The image that is steered. */
export interface SteeredImage {
  width: number;
  height: number;
  /** What was added to it at the sides. */
  extend?: Extension;
  /** Pixels of a latent position, along one side. */
  scale: number;
}

/**
 * Reads the mask of what steers a part of an image. It is scaled if it has another size. The mask of an image that is
 * extended stays where it was on the larger canvas.
 * @param name for errors. @throws InputError for what is no mask
 */
export async function steeringMask(
  mask: RegionChoice['mask'],
  image: SteeredImage,
  name: string,
): Promise<Mask> {
  const source = await decodePicture(mask, name);
  const { width, height, extend } = image;
  if (!extend || (source.width === width && source.height === height))
    return maskFor(source, image, name).mask;
  const { left, top, right, bottom } = extend;
  const old = { width: width - left - right, height: height - top - bottom };
  return extendMask(maskFor(source, old, name).mask, extend);
}
