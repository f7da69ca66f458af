import { LIMITS } from '../../shared/limits.ts';
import type { SizeLimits } from '../../shared/sizes.ts';
import { InputError } from '../errors.ts';
import { type Box, heightOf, type Span, widthOf } from '../regions/box.ts';
import { coarser, type Mask } from '../regions/mask.ts';
import { enlarged } from './enlarge.ts';
import { scaleMask } from './mask.ts';
import type { Picture } from './read.ts';

/**
 * The part of a picture that a model edits, in pixels of the picture. Its sides fit the model; it may extend
 * beyond the right and lower border, where the last column and row are repeated.
 */
export interface PictureWindow {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Factor by which its sides are enlarged for the model, see `zoomedWindow`, or a half; 1 if absent. */
  readonly zoom?: number;
}

/** The size at which a model computes a window. */
export function workedSize({ width, height, zoom = 1 }: PictureWindow): { width: number; height: number } {
  return { width: width * zoom, height: height * zoom };
}

/** The same window at half the resolution. */
export function halvedWindow(window: PictureWindow): PictureWindow {
  return { ...window, zoom: (window.zoom ?? 1) / 2 };
}

/** Pixels of context around the mask. */
const CONTEXT = 64;
/** Windows of large pictures begin at multiples of this, so that neighbouring edits share one. */
const GRID = 256;
/** Window sizes that are tried before the largest. */
const WINDOWS = [1024, 1536];

/**
 * Where an edit happens: the whole picture if its sides allow that, else a window around the mask.
 * @param box bounds of the mask in the picture.
 * @param sizes which sides the model's images may have.
 * @throws InputError if the mask is larger than a window can be.
 */
export function chooseWindow(
  picture: { width: number; height: number },
  box: Box,
  sizes: SizeLimits = LIMITS.size,
): PictureWindow {
  const { max: most } = sizes;
  if (widthOf(box) > most || heightOf(box) > most)
    throw new InputError(
      `The mask spans ${widthOf(box)}×${heightOf(box)} pixels; at most ${most}×${most} can be edited at once: use a smaller mask or make the image smaller.`,
    );
  const seen = Math.max(widthOf(box), heightOf(box)) + 2 * CONTEXT;
  // A small mask needs no large window, which would cost many times as much.
  const side = WINDOWS.find((side) => side >= seen && side < most) ?? most;
  const x = chooseSpan(picture.width, box.x, side, sizes);
  const y = chooseSpan(picture.height, box.y, side, sizes);
  return { left: x.from, top: y.from, width: x.to - x.from, height: y.to - y.from };
}

/** Along one side of a picture: all of it up to `max` pixels, else `side` pixels around the mask. */
function chooseSpan(length: number, mask: Span, side: number, { min, max, multipleOf }: SizeLimits): Span {
  const padded = Math.max(min, Math.ceil(length / multipleOf) * multipleOf);
  if (padded <= max) return { from: 0, to: padded };
  const centred = (mask.from + mask.to - side) / 2;
  const onGrid = Math.round(centred / GRID) * GRID;
  const seen = Math.min(CONTEXT, Math.floor((side - (mask.to - mask.from)) / 2));
  const wanted = clamp(onGrid, mask.to + seen - side, mask.from - seen);
  const from = clamp(wanted, 0, length - side);
  return { from, to: from + side };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}

/** Value of each byte in [−1, 1]. */
const VALUES = Float32Array.from({ length: 256 }, (_, byte) => byte / 127.5 - 1);

/** The window's planes [3, height, width] in [−1, 1], at the size at which it is computed. */
export function windowPlanes(picture: Picture, window: PictureWindow): Float32Array {
  const { width, height, left, top, zoom = 1 } = window;
  if (zoom < 1) return smallPlanes(picture, window, 1 / zoom);
  const { pixels } = picture;
  const size = width * height;
  const planes = new Float32Array(3 * size);
  const inside = Math.min(width, picture.width - left);
  for (let y = 0; y < height; y++) {
    const row = Math.min(top + y, picture.height - 1) * picture.width + left;
    for (let channel = 0; channel < 3; channel++) {
      const begin = channel * size + y * width;
      for (let x = 0, from = 3 * row + channel; x < inside; x++, from += 3)
        planes[begin + x] = VALUES[pixels[from]!]!;
      planes.fill(planes[begin + inside - 1]!, begin + inside, begin + width);
    }
  }
  return enlarged(planes, window, zoom);
}

/** Means of blocks of step × step pixels. */
function smallPlanes({ pixels, ...picture }: Picture, window: PictureWindow, step: number): Float32Array {
  const { width, height } = workedSize(window);
  const size = width * height;
  const planes = new Float32Array(3 * size);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let dy = 0; dy < step; dy++) {
        const row = Math.min(window.top + y * step + dy, picture.height - 1) * picture.width;
        for (let dx = 0; dx < step; dx++) {
          const from = 3 * (row + Math.min(window.left + x * step + dx, picture.width - 1));
          red += pixels[from]!;
          green += pixels[from + 1]!;
          blue += pixels[from + 2]!;
        }
      }
      const share = 1 / (127.5 * step ** 2);
      planes[i] = red * share - 1;
      planes[i + size] = green * share - 1;
      planes[i + 2 * size] = blue * share - 1;
    }
  return planes;
}

/**
 * The window's part of a mask of the picture, at the size at which it is computed; what is beyond the picture is not
 * active.
 */
export function windowMask(mask: Mask, window: PictureWindow): Mask {
  const { width, height, left, top, zoom = 1 } = window;
  const data = new Uint8Array(width * height);
  const columns = Math.min(width, mask.width - left);
  for (let y = 0; y < Math.min(height, mask.height - top); y++) {
    const from = (top + y) * mask.width + left;
    data.set(mask.data.subarray(from, from + columns), y * width);
  }
  const cut = { width, height, data };
  if (zoom < 1) return coarser(cut, 1 / zoom);
  return zoom === 1 ? cut : scaleMask(cut, width * zoom, height * zoom);
}
