/** The canvas of an edited image: as large as its edits make it, at a place in the file's pixels. */
import { extendPicture } from '../../engine/pictures/canvas.ts';
import type { Extension } from '../../shared/editorProtocol.ts';
import { LIMITS } from '../../shared/limits.ts';
import {
  type Area,
  blankRaster,
  common,
  cut,
  isEmpty,
  type Patch,
  paste,
  type Raster,
  sameArea,
  wholeOf,
  within,
} from '../../shared/raster.ts';
import type { EditContent, ListedEdit } from './listedEdit.ts';

/** A canvas: its pixels, RGB, and where it is in the file's pixels. */
export interface Canvas {
  raster: Raster;
  frame: Area;
}

/** Where the canvas is in the file's pixels, with the extensions and crops of all edits that are shown. */
export function frameOf(edits: readonly ListedEdit[], original: { width: number; height: number }): Area {
  let frame = wholeOf(original);
  for (const { shown, content } of edits) {
    if (shown) frame = frameAfter(content, frame);
  }
  return frame;
}

function frameAfter(content: EditContent, frame: Area): Area {
  const extension = extensionOf(content, frame);
  return extension ? grownBy(frame, extension) : (cropOf(content, frame) ?? frame);
}

/** What a crop leaves of a canvas; undefined if all or nothing, because the canvas is elsewhere. */
function cropOf(content: EditContent, frame: Area): Area | undefined {
  if (content.kind !== 'crop') return undefined;
  const left = common(frame, content.area);
  return isEmpty(left) || sameArea(left, frame) ? undefined : left;
}

/** A canvas with the edges that an edit gives it. */
export function withEdges(canvas: Canvas, content: EditContent): Canvas {
  const extension = extensionOf(content, canvas.frame);
  if (extension) return extended(canvas, extension);
  const crop = cropOf(content, canvas.frame);
  return crop ? { raster: reframed(canvas.raster, canvas.frame, crop), frame: crop } : canvas;
}

/** By how much an edit makes a canvas larger; one that would become too large stays as it is. */
function extensionOf(content: EditContent, frame: Area): Extension | undefined {
  const extension = content.kind === 'paint' ? content.extension : undefined;
  if (!extension) return undefined;
  const grown = grownBy(frame, extension);
  const isPossible = Math.max(grown.width, grown.height) <= LIMITS.size.max && !sameArea(grown, frame);
  return isPossible ? extension : undefined;
}

function grownBy(
  { left, top, width, height }: Area,
  { left: l, top: t, right: r, bottom: b }: Extension,
): Area {
  return { left: left - l, top: top - t, width: width + l + r, height: height + t + b };
}

/** A larger canvas; new pixels repeat the nearest one of the old edge. */
export function extended({ raster, frame }: Canvas, extension: Extension): Canvas {
  const { width, height, pixels } = extendPicture({ ...raster, pixels: raster.data }, extension);
  const data = new Uint8Array(pixels);
  return { raster: { width, height, channels: 3, data }, frame: grownBy(frame, extension) };
}

/** A patch of the canvas at its place in the file's pixels (1), or the other way (−1). */
export function shifted(patch: Patch, frame: Area, direction: 1 | -1): Patch {
  return {
    ...patch,
    left: patch.left + direction * frame.left,
    top: patch.top + direction * frame.top,
  };
}

/** A layer on a canvas of another place and size: what lies beyond it is cut off, what is new is 0. */
export function reframed(layer: Raster, from: Area, to: Area): Raster {
  const moved = blankRaster(to.width, to.height, layer.channels);
  const kept = within(shifted(shifted(cut(layer, wholeOf(layer)), from, 1), to, -1), moved);
  if (kept) paste(moved, kept);
  return moved;
}
