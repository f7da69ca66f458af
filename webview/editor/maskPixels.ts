import type { Area, Raster } from '../../shared/raster.ts';
import { type Colour, putOver } from './mask/colours.ts';
import { sampled } from './sampled.ts';
import type { ViewTransform } from './viewTransform.ts';

/** From this value on a pixel counts as masked. */
export const INSIDE = 128;
/** Pixels of the screen from one line of the hatching to the next. */
const HATCH = 9;
/** Opacity of the preview of what a click would mask. */
const HINTED = 0.3;
const WHITE: Colour = [255, 255, 255];
const BLACK: Colour = [0, 0, 0];
/** How lines look. */
const LIGHT: MaskLook = { colour: WHITE, opacity: 1 };
const DARK: MaskLook = { colour: BLACK, opacity: 1 };
const FAINT_LIGHT: MaskLook = { colour: WHITE, opacity: 0.56 };
const FAINT_DARK: MaskLook = { colour: BLACK, opacity: 0.44 };

/** How a mask looks. */
export interface MaskLook {
  colour: Colour;
  /** How much it covers the picture, 0 … 1; at 0 only its outline is drawn. */
  opacity: number;
}

/**
 * A mask, and what a click would mask, as they look in an area of the screen: tinted, hatched, and with an outline of
 * dark and light lines beside each other, which is seen on any picture at any zoom.
 * @returns RGBA, row by row
 */
export function maskPixels(
  area: Area,
  view: ViewTransform,
  { mask, hint }: { mask: Raster; hint: Raster },
  { colour, opacity }: MaskLook,
): Uint8ClampedArray<ArrayBuffer> {
  const { left, top, width, height } = area;
  // With a border of one, for the outline.
  const across = width + 2;
  const bordered = { left: left - 1, top: top - 1, width: across, height: height + 2 };
  const values = sampled(mask, bordered, view);
  const hints = sampled(hint, bordered, view);
  const pixels = new Uint8ClampedArray(4 * width * height);
  // Lines stay where they are on the picture when it is moved.
  const shift = HATCH * 10_000 - Math.round(view.left) - Math.round(view.top) + left + top;
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i += 4) {
      const at = (y + 1) * across + x + 1;
      const value = values[at]!;
      const tint = 1 - (1 - (opacity * value) / 255) * (1 - (HINTED * hints[at]!) / 255);
      if (tint > 0) put(pixels, i, colour, tint);
      const inside = value >= INSIDE;
      let around = 0;
      for (const next of [at - 1, at + 1, at - across, at + across]) if (values[next]! >= INSIDE) around++;
      const line = inside
        ? insideLine(around, opacity > 0 ? (x + y + shift) % HATCH : -1)
        : around > 0 && DARK;
      if (line) putOver(pixels, i, line.colour, line.opacity);
    }
  return pixels;
}

/** The line that a masked pixel is part of; its place in the hatching is 0 … 8, or −1 where there is none. */
function insideLine(maskedNeighbours: number, hatching: number): MaskLook | undefined {
  if (maskedNeighbours < 4) return LIGHT;
  return hatching === 0 ? FAINT_LIGHT : hatching === 1 ? FAINT_DARK : undefined;
}

function put(pixels: Uint8ClampedArray, i: number, [red, green, blue]: Colour, opacity: number): void {
  pixels[i] = red;
  pixels[i + 1] = green;
  pixels[i + 2] = blue;
  pixels[i + 3] = 255 * opacity;
}
