import { InputError } from '../errors.ts';
import { dilate, type Mask } from '../regions/mask.ts';
import type { Picture } from './read.ts';

/** Colours that were painted over a picture, in its size: where an edit begins. */
export interface Colours {
  /** RGB, [height, width, 3]. */
  pixels: Uint8Array;
  /** How much each pixel covers the picture, 0 … 255, [height, width]. */
  alpha: Uint8Array;
}

/** From this opacity on a pixel counts as painted: less is the skirt of a soft brush. */
const PAINTED = 26;
/** Pixels by which the painted part is grown to a mask, so that its edge can be painted too. */
const MARGIN = 8;

/**
 * Reads colours for a picture.
 * @param name for errors. @throws InputError if they have another size, no transparency, or nothing is painted
 */
export function coloursOf(
  source: Picture,
  picture: { width: number; height: number },
  name: string,
): Colours {
  const { width, height, pixels, alpha } = source;
  if (width !== picture.width || height !== picture.height)
    throw new InputError(
      `${name} are ${width}×${height} pixels; they must have the image's ${picture.width}×${picture.height}.`,
    );
  if (!alpha?.some((value) => value < 255))
    throw new InputError(
      `${name} cover the whole image: leave transparent what should stay, in a PNG or WebP file.`,
    );
  if (!alpha.some((value) => value >= PAINTED))
    throw new InputError(`${name} are transparent everywhere, so nothing is painted.`);
  return { pixels, alpha };
}

/** Whether anything is painted where the mask is active. */
export function paintsInside({ alpha }: Colours, { data }: Mask): boolean {
  return alpha.some((value, i) => value >= PAINTED && data[i]! > 0);
}

/** The mask of what is painted, grown by a few pixels. */
export function paintedPart({ alpha }: Colours, { width, height }: { width: number; height: number }): Mask {
  const data = Uint8Array.from(alpha, (value) => (value >= PAINTED ? 1 : 0));
  return dilate({ width, height, data }, MARGIN);
}

/** The picture under its colours, where the mask is active; it keeps its pixels elsewhere. */
export function withColours(picture: Picture, { pixels, alpha }: Colours, { data }: Mask): Picture {
  const coloured = new Uint8Array(picture.pixels);
  for (let i = 0; i < data.length; i++) {
    const opacity = data[i] ? alpha[i]! / 255 : 0;
    if (opacity === 0) continue;
    for (let at = 3 * i; at < 3 * i + 3; at++)
      coloured[at] = Math.round(coloured[at]! + opacity * (pixels[at]! - coloured[at]!));
  }
  return { ...picture, pixels: coloured };
}
