import { LIMITS } from '../../shared/limits.ts';
import { keptPart } from '../../shared/margins.ts';
import { type Area, common } from '../../shared/raster.ts';
import { InputError } from '../errors.ts';
import type { Mask } from '../regions/mask.ts';
import type { Picture } from './read.ts';

/** Pixels to add at each side of an image. */
export interface Extension {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/**
 * Puts an image on a larger canvas. New pixels repeat the nearest pixel of the old edge.
 * @throws InputError if a side becomes too long, or nothing is added
 */
export function extendPicture(picture: Picture, { left, top, right, bottom }: Extension): Picture {
  const [width, height] = [picture.width + left + right, picture.height + top + bottom];
  if (width === picture.width && height === picture.height)
    throw new InputError('Nothing is added to the image: extend it by at least one pixel at one side.');
  const most = LIMITS.size.max;
  if (width > most || height > most)
    throw new InputError(
      `The extended image would have ${width}×${height} pixels; at most ${most}×${most} are possible: extend it by less, or make the image smaller.`,
    );
  const pixels = new Uint8Array(3 * width * height);
  const alpha = picture.alpha && new Uint8Array(width * height).fill(255);
  for (let y = 0, i = 0; y < height; y++) {
    const row = clamp(y - top, picture.height) * picture.width;
    for (let x = 0; x < width; x++, i++) {
      const from = row + clamp(x - left, picture.width);
      pixels.set(picture.pixels.subarray(3 * from, 3 * from + 3), 3 * i);
      const isOld = y >= top && y < top + picture.height && x >= left && x < left + picture.width;
      if (alpha && isOld) alpha[i] = picture.alpha![from]!;
    }
  }
  return { ...picture, width, height, pixels, ...(alpha && { alpha }) };
}

/**
 * A picture's alpha on another canvas, opaque where that is larger; undefined if the picture has none.
 * @param frame where the canvas is in the picture
 */
export function alphaOn({ width, height, alpha }: Picture, frame: Area): Uint8Array | undefined {
  if (!alpha) return undefined;
  const result = new Uint8Array(frame.width * frame.height).fill(255);
  const shared = common(frame, { left: 0, top: 0, width, height });
  for (let y = shared.top; y < shared.top + shared.height; y++) {
    const from = y * width + shared.left;
    const to = (y - frame.top) * frame.width + shared.left - frame.left;
    result.set(alpha.subarray(from, from + Math.max(0, shared.width)), to);
  }
  return result;
}

/** Mask of an extended image: the new part, and the strips of the old image that are repainted with it. */
export function extensionMask(old: { width: number; height: number }, extension: Extension): Mask {
  const { left, top, right, bottom } = extension;
  const [width, height] = [old.width + left + right, old.height + top + bottom];
  const data = new Uint8Array(width * height);
  const kept = keptPart(old, extension);
  const [x, y] = [left + kept.left, top + kept.top];
  for (let row = 0, i = 0; row < height; row++)
    for (let column = 0; column < width; column++, i++)
      data[i] = Number(row < y || row >= y + kept.height || column < x || column >= x + kept.width);
  return { width, height, data };
}

/** A mask on a larger canvas; what is new of the canvas is not masked. */
export function extendMask(mask: Mask, { left, top, right, bottom }: Extension): Mask {
  const [width, height] = [mask.width + left + right, mask.height + top + bottom];
  const data = new Uint8Array(width * height);
  for (let y = 0; y < mask.height; y++)
    data.set(mask.data.subarray(y * mask.width, (y + 1) * mask.width), (y + top) * width + left);
  return { width, height, data };
}

function clamp(value: number, length: number): number {
  return Math.max(0, Math.min(length - 1, value));
}
