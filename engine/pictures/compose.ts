import { codecs } from '#host';
import type { Recipe } from '../../shared/api.ts';
import type { Raster } from '../../shared/raster.ts';
import { areaOf, type Box, boundsOf, boxOf, heightOf, intersection, widthOf } from '../regions/box.ts';
import type { Mask } from '../regions/mask.ts';
import { depthInside } from './depth-inside.ts';
import type { Picture } from './read.ts';
import { withRecipe } from './recipe.ts';
import { inTurns } from './turns.ts';
import type { PictureWindow } from './window.ts';

/**
 * Puts repainted pixels into an image where the mask is active. Other pixels, and alpha, do not change.
 * @param planes of the window [3, height, width], −1 … 1, rounded and clamped. @param mask of the picture's size.
 * @param feather pixels inside the mask's edge over which the original fades into the repainted: 0 is a hard edge.
 * @param coverage of a soft mask: the largest share of the repainted pixel, 0 … 255, [height, width].
 */
export function compose(
  picture: Picture,
  planes: Float32Array,
  window: PictureWindow,
  mask: Mask,
  feather = 0,
  coverage?: Uint8Array,
): Picture {
  const pixels = new Uint8Array(picture.pixels);
  const box = boundsOf(mask);
  if (!box) return { ...picture, pixels };
  const inWindow = intersection(box, boxOf(window));
  const depth = feather > 0 ? depthInside(mask, box) : undefined;
  const columns = widthOf(box) + 2;
  const plane = window.width * window.height;
  for (let y = inWindow.y.from; y < inWindow.y.to; y++)
    for (let x = inWindow.x.from; x < inWindow.x.to; x++) {
      const position = y * mask.width + x;
      if (!mask.data[position]) continue;
      const inside = depth ? depth[(y - box.y.from + 1) * columns + x - box.x.from + 1]! : 1;
      const most = coverage ? coverage[position]! / 255 : 1;
      const weight = depth ? Math.min(most, inside / (feather + 1)) : most;
      const source = (y - window.top) * window.width + x - window.left;
      for (let c = 0; c < 3; c++) {
        const painted = Math.max(0, Math.min(255, (planes[c * plane + source]! + 1) * 127.5));
        const original = pixels[3 * position + c]!;
        pixels[3 * position + c] = Math.round(original + weight * (painted - original));
      }
    }
  return { ...picture, pixels };
}

/** A rectangle of a picture. */
export function cropPicture({ width, pixels, alpha }: Picture, box: Box): Picture {
  const size = { width: widthOf(box), height: heightOf(box) };
  const crop = (data: Uint8Array, channels: number) => {
    const part = new Uint8Array(channels * areaOf(box));
    for (let y = 0; y < size.height; y++) {
      const from = channels * ((box.y.from + y) * width + box.x.from);
      part.set(data.subarray(from, from + channels * size.width), channels * y * size.width);
    }
    return part;
  };
  return { ...size, pixels: crop(pixels, 3), ...(alpha && { alpha: crop(alpha, 1) }) };
}

/** Encodes an image as PNG, with alpha, and with a recipe as text if there is one. */
export async function encodePicture(
  { width, height, pixels, alpha }: Picture,
  recipe?: Recipe,
): Promise<Uint8Array> {
  const data = alpha ? await withAlpha(pixels, alpha) : pixels;
  const png = await codecs.encode({ width, height, channels: alpha ? 4 : 3, data }, { format: 'png' });
  return recipe ? withRecipe(png, recipe) : png;
}

/** A picture's colours, without its opacity; shares their memory. */
export function rasterOf({ width, height, pixels }: Picture): Raster {
  return { width, height, channels: 3, data: pixels as Uint8Array<ArrayBuffer> };
}

/** RGB and alpha → RGBA. */
async function withAlpha(pixels: Uint8Array, alpha: Uint8Array): Promise<Uint8Array> {
  const data = new Uint8Array(4 * alpha.length);
  await inTurns(alpha.length, (begin, end) => {
    for (let i = begin; i < end; i++) {
      for (let c = 0; c < 3; c++) data[4 * i + c] = pixels[3 * i + c]!;
      data[4 * i + 3] = alpha[i]!;
    }
  });
  return data;
}
