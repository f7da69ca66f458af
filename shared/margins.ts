/** How far an edit paints beyond what was marked for it: the engine paints so far, and the editor shows it. */
import type { Extension } from './editorProtocol.ts';
import { grown } from './morphology.ts';
import { type Area, around, clip, cut, type Patch, paste, type Raster, wholeOf } from './raster.ts';

interface Size {
  width: number;
  height: number;
}

/** So many pixels for a longer side of `side` pixels, and in proportion for a longer one, up to `most`. */
interface Margin {
  least: number;
  side: number;
  most: number;
}

/**
 * Pixels by which a mask is grown before what it covers is removed: outlines and shadows go with the object, and the old
 * picture shows through in the outermost ones (`FEATHER` in edit.ts). More for a larger picture, because masks of objects are
 * found in a smaller copy.
 */
const REMOVAL_MARGIN: Margin = { least: 12, side: 256, most: 32 };

/**
 * Pixels by which the mask of an object is grown before the object is repainted with a prompt, so that its outline goes.
 * As of a removal, but fewer: what is new may have a shadow of its own, and hides the rest.
 */
const OBJECT_MARGIN: Margin = { least: 8, side: 256, most: 21 };

export function removalMargin(picture: Size): number {
  return inProportion(REMOVAL_MARGIN, picture);
}

export function objectMargin(picture: Size): number {
  return inProportion(OBJECT_MARGIN, picture);
}

function inProportion({ least, side, most }: Margin, { width, height }: Size): number {
  return Math.min(most, Math.max(least, Math.round((least * Math.max(width, height)) / side)));
}

/** From this value of a mask on a pixel is inside it. */
const INSIDE = 128;

/**
 * What an edit with a prompt paints of a mask, in an area: all that is masked, and a margin around what is masked of
 * selected objects. What was taken off an object by hand stays as it is.
 * @param objects in the mask's size, not 0 where objects were selected
 */
export function withObjectMargins(mask: Raster, objects: Raster, area: Area = wholeOf(mask)): Patch {
  const by = objectMargin(mask);
  const patch = cut(mask, area);
  const near = clip(around(area, by), mask);
  const selected = cut(objects, near);
  const masked = cut(mask, near);
  const parts = {
    ...selected,
    channels: 1,
    data: selected.data.map((value, i) => (value && masked.data[i]! >= INSIDE ? 255 : 0)),
  };
  const margins = grown(parts, by);
  if (!margins) return patch;
  paste(parts, margins);
  for (let y = 0, i = 0; y < area.height; y++)
    for (
      let x = 0, at = (area.top - near.top + y) * near.width + area.left - near.left;
      x < area.width;
      x++, i++, at++
    )
      if (parts.data[at] && !selected.data[at]) patch.data[i] = 255;
  return patch;
}

/** Width of the strip of the old image that is repainted with the new part of a larger canvas, for a smooth transition. */
export const TRANSITION = 16;

/** The part of an image that stays as it is when its canvas is extended: without the strips along the sides that grow. */
export function keptPart({ width, height }: Size, added: Extension): Area {
  const strip = (pixels: number, length: number) => (pixels === 0 ? 0 : Math.min(TRANSITION, length >> 2));
  const [left, top] = [strip(added.left, width), strip(added.top, height)];
  return {
    left,
    top,
    width: width - left - strip(added.right, width),
    height: height - top - strip(added.bottom, height),
  };
}
