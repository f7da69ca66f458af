/** How far an edit paints beyond what was marked for it: the engine paints so far, and the editor shows it. */
import type { Extension } from './editorProtocol.ts';
import type { Area } from './raster.ts';

/**
 * Pixels by which a mask is grown before what it covers is removed: outlines and shadows go with the object, and the old
 * picture shows through in the outermost ones (`FEATHER` in edit.ts). So many for a longer side of `side` pixels, more for
 * a longer one, because masks of objects are found in a smaller copy.
 */
const REMOVAL_MARGIN = { least: 12, side: 256, most: 32 };

export function removalMargin({ width, height }: { width: number; height: number }): number {
  const { least, side, most } = REMOVAL_MARGIN;
  return Math.min(most, Math.max(least, Math.round((least * Math.max(width, height)) / side)));
}

/** Width of the strip of the old image that is repainted with the new part of a larger canvas, for a smooth transition. */
export const TRANSITION = 16;

/** The part of an image that stays as it is when its canvas is extended: without the strips along the sides that grow. */
export function keptPart({ width, height }: { width: number; height: number }, added: Extension): Area {
  const strip = (pixels: number, length: number) => (pixels === 0 ? 0 : Math.min(TRANSITION, length >> 2));
  const [left, top] = [strip(added.left, width), strip(added.top, height)];
  return {
    left,
    top,
    width: width - left - strip(added.right, width),
    height: height - top - strip(added.bottom, height),
  };
}
