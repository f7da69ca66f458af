import type { ZoomMode } from '../../shared/api.ts';
import type { SizeLimits } from '../../shared/sizes.ts';
import { type Box, heightOf, type Span, widthOf } from '../regions/box.ts';
import { chooseWindow, type PictureWindow } from './window.ts';

/** Factors by which a window may be enlarged along each side. */
const FACTORS = [4, 2];
/** Largest share of a window's side that a mask takes, so that the model sees the surroundings. */
const MOST = 0.6;
/** Windows begin at multiples of this share of their sides, so that neighbouring edits share one. */
const GRID = 1 / 8;

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * A window around a small mask, enlarged to the size that a model was trained on, so that the model paints the detail
 * that the picture has room for. Undefined if the mask is not small.
 * @param box bounds of the mask in the picture. @param native the model's own size, multiples of 8.
 */
export function zoomedWindow(picture: Size, box: Box, native: Size): PictureWindow | undefined {
  for (const zoom of FACTORS) {
    const [width, height] = [native.width / zoom, native.height / zoom];
    const fits = picture.width >= width && picture.height >= height;
    if (!fits || widthOf(box) > MOST * width || heightOf(box) > MOST * height) continue;
    const [left, top] = [placed(picture.width, box.x, width), placed(picture.height, box.y, height)];
    return { left, top, width, height, zoom };
  }
  return undefined;
}

/**
 * The part of a picture that an edit of a mask works on.
 * @param box bounds of the mask in the picture. @throws InputError as `chooseWindow`
 */
export function windowFor(
  picture: Size,
  box: Box,
  { defaults, sizes }: { defaults: Size; sizes: SizeLimits },
  zoom: ZoomMode,
): PictureWindow {
  const zoomed = zoom === 'auto' ? zoomedWindow(picture, box, defaults) : undefined;
  return zoomed ?? chooseWindow(picture, box, sizes);
}

/** Where a window of some length begins that has the mask in its middle, about. */
function placed(length: number, { from, to }: Span, side: number): number {
  const step = Math.max(1, Math.floor(side * GRID));
  const wanted = Math.round((from + to - side) / 2 / step) * step;
  return Math.max(0, Math.min(length - side, wanted));
}
