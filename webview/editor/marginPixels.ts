import type { Area, Raster } from '../../shared/raster.ts';
import { putOver } from './mask/colours.ts';
import { INSIDE } from './maskPixels.ts';
import type { ViewTransform } from './viewTransform.ts';

/** Pixels of the screen from one dash of a level line to the next, and of a dash. */
const DASH = { every: 12, length: 7 };
/** Rows count more than columns, so that diagonals, too, have dashes in both directions. */
const DASH_ROW = 2;
/** Opacity of the dark line around the dashes, and between them. */
const SHADE = 0.5;

/**
 * The outline of a mask that is grown by a margin, as it looks in an area of the screen: light dashes with a dark line
 * around them.
 * @returns RGBA, row by row
 */
export function marginPixels(
  area: Area,
  view: ViewTransform,
  mask: Raster,
  margin: number,
): Uint8ClampedArray<ArrayBuffer> {
  const { left, top, width, height } = area;
  // With a border of one, for the outline.
  const across = width + 2;
  const grown = grownOnScreen(
    { left: left - 1, top: top - 1, width: across, height: height + 2 },
    view,
    mask,
    margin,
  );
  const pixels = new Uint8ClampedArray(4 * width * height);
  // Dashes stay where they are on the picture when it is moved.
  const [column, row] = [left - Math.round(view.left), top - Math.round(view.top)];
  const shift = DASH.every * 10_000 + column + DASH_ROW * row;
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i += 4) {
      const at = (y + 1) * across + x + 1;
      const around = grown[at - 1]! + grown[at + 1]! + grown[at - across]! + grown[at + across]!;
      const isLight = grown[at] && around < 4 && (x + DASH_ROW * y + shift) % DASH.every < DASH.length;
      if (isLight) putOver(pixels, i, [255, 255, 255], 1);
      else if (grown[at] ? around < 4 : around > 0) putOver(pixels, i, [0, 0, 0], SHADE);
    }
  return pixels;
}

/**
 * Which pixels of an area of the screen show a part of the picture that is not farther than the margin from the mask, along
 * both sides: 1 there, else 0. Like the engine's, it costs as much for any margin.
 */
export function grownOnScreen(
  { left, top, width, height }: Area,
  view: ViewTransform,
  mask: Raster,
  margin: number,
): Uint8Array {
  const { scale } = view;
  const columns = lookedAt({ start: left - view.left, count: width, scale }, mask.width, margin);
  const rows = lookedAt({ start: top - view.top, count: height, scale }, mask.height, margin);
  /** For each pixel of the screen's rows: in how many of the rows before, which are looked at, it is near the mask. */
  const above = new Int32Array((rows.places.length + 1) * width);
  const before = new Int32Array(columns.places.length + 1);
  for (const [r, row] of rows.places.entries()) {
    const start = row * mask.width;
    for (const [c, column] of columns.places.entries())
      before[c + 1] = before[c]! + Number(mask.data[start + column]! >= INSIDE);
    for (let x = 0, i = r * width; x < width; x++, i++)
      above[i + width] = above[i]! + Number(before[columns.to[x]!]! > before[columns.from[x]!]!);
  }
  const grown = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    const [from, to] = [rows.from[y]! * width, rows.to[y]! * width];
    for (let x = 0; x < width; x++, i++) grown[i] = Number(above[to + x]! > above[from + x]!);
  }
  return grown;
}

/** Along one side of an area of the screen. */
interface Looked {
  /** The picture's places that are looked at, in order. */
  places: number[];
  /** For each pixel of the screen the first of them within the margin, and the one after the last. */
  from: Int32Array;
  to: Int32Array;
}

/**
 * @param screen pixels of it, from the picture's edge on
 * @param length of the picture; beside it nothing is within the margin
 */
function lookedAt(
  { start, count, scale }: { start: number; count: number; scale: number },
  length: number,
  margin: number,
): Looked {
  const placeOf = (pixel: number) => Math.floor((start + pixel + 0.5) / scale);
  const border = Math.ceil(margin * scale);
  const places: number[] = [];
  for (let i = -border; i < count + border; i++) {
    const place = placeOf(i);
    if (place >= 0 && place < length && place !== places.at(-1)) places.push(place);
  }
  const [from, to] = [new Int32Array(count), new Int32Array(count)];
  for (let i = 0, first = 0, last = 0; i < count; i++) {
    const place = placeOf(i);
    if (place < 0 || place >= length) continue;
    while (first < places.length && places[first]! < place - margin) first++;
    while (last < places.length && places[last]! <= place + margin) last++;
    from[i] = first;
    to[i] = last;
  }
  return { places, from, to };
}
