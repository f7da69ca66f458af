import type { Recipe } from '../api.ts';
import { areaOf, type Box, boundsOf, grown, heightOf, intersection, widthOf } from '../regions/box.ts';
import type { Mask } from '../regions/mask.ts';
import type { Picture } from './read.ts';
import { withRecipe } from './recipe.ts';
import type { PictureWindow } from './window.ts';

/**
 * The picture with repainted pixels where the mask is active; every other pixel, and alpha, stays as it is.
 * @param planes of the window [3, height, width], −1 … 1, rounded and clamped. @param mask of the picture's size.
 * @param feather pixels inside the mask's edge over which the original fades into the repainted: 0 is a hard edge.
 * @param coverage of a soft mask: the most of the repainted that a pixel takes, 0 … 255, [height, width].
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
  const inWindow = intersection(box, {
    y: { from: window.top, to: window.top + window.height },
    x: { from: window.left, to: window.left + window.width },
  });
  const depth = feather > 0 ? depthInside(mask, box) : undefined;
  const columns = widthOf(box);
  const plane = window.width * window.height;
  for (let y = inWindow.y.from; y < inWindow.y.to; y++)
    for (let x = inWindow.x.from; x < inWindow.x.to; x++) {
      const position = y * mask.width + x;
      if (!mask.data[position]) continue;
      const inside = depth ? depth[(y - box.y.from) * columns + x - box.x.from]! : 1;
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

/**
 * About how far each pixel of the box lies inside the mask, in pixels: 1 at the edge. A 3–4 chamfer distance in two
 * passes (Borgefors 1986). The picture's own border is no edge.
 */
function depthInside(mask: Mask, box: Box): Float32Array {
  const [height, width] = [heightOf(box), widthOf(box)];
  const depth = new Float32Array(areaOf(box));
  const border = intersection(grown(box, 1), {
    y: { from: 0, to: mask.height },
    x: { from: 0, to: mask.width },
  });
  const at = (y: number, x: number): number => {
    if (y >= 0 && x >= 0 && y < height && x < width) return depth[y * width + x]!;
    const [row, column] = [y + box.y.from, x + box.x.from];
    const inPicture =
      row >= border.y.from && row < border.y.to && column >= border.x.from && column < border.x.to;
    return inPicture ? 0 : Number.POSITIVE_INFINITY;
  };
  const pass = (y: number, x: number, back: number): void => {
    const i = y * width + x;
    if (!mask.data[(y + box.y.from) * mask.width + x + box.x.from]) return;
    const diagonal = Math.min(at(y + back, x - 1), at(y + back, x + 1)) + 4 / 3;
    const straight = Math.min(at(y + back, x), at(y, x + back)) + 1;
    depth[i] = Math.min(depth[i]!, diagonal, straight);
  };
  for (let i = 0; i < depth.length; i++) {
    const [y, x] = [Math.floor(i / width), i % width];
    depth[i] = mask.data[(y + box.y.from) * mask.width + x + box.x.from] ? Number.POSITIVE_INFINITY : 0;
  }
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) pass(y, x, -1);
  for (let y = height - 1; y >= 0; y--) for (let x = width - 1; x >= 0; x--) pass(y, x, 1);
  return depth;
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

/** PNG file of a picture, with its alpha, and a recipe in its text if there is one. */
export async function encodePicture(
  { width, height, pixels, alpha }: Picture,
  recipe?: Recipe,
): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const data = alpha ? withAlpha(pixels, alpha) : pixels;
  const png = await sharp(data, { raw: { width, height, channels: alpha ? 4 : 3 } })
    .png()
    .toBuffer();
  return recipe ? withRecipe(png, recipe) : png;
}

/** RGB and alpha → RGBA. */
function withAlpha(pixels: Uint8Array, alpha: Uint8Array): Uint8Array {
  const data = new Uint8Array(4 * alpha.length);
  for (let i = 0; i < alpha.length; i++) {
    data.set(pixels.subarray(3 * i, 3 * i + 3), 4 * i);
    data[4 * i + 3] = alpha[i]!;
  }
  return data;
}
