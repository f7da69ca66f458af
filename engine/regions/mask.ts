import { dilate } from './dilate.ts';

/** Which positions of a map are to be computed: one byte a position, row-major, 1 where active. */
export interface Mask {
  readonly height: number;
  readonly width: number;
  readonly data: Uint8Array;
}

export function fullMask(height: number, width: number): Mask {
  return { height, width, data: new Uint8Array(height * width).fill(1) };
}

/** A rectangle in the middle, of the map's proportions, that covers about this share of it; one position at least. */
export function centredMask(height: number, width: number, share: number): Mask {
  const side = (length: number) => Math.min(length, Math.max(1, Math.round(length * Math.sqrt(share))));
  const [rows, columns] = [side(height), side(width)];
  const [top, left] = [Math.floor((height - rows) / 2), Math.floor((width - columns) / 2)];
  const data = new Uint8Array(height * width);
  for (let y = top; y < top + rows; y++) data.fill(1, y * width + left, y * width + left + columns);
  return { height, width, data };
}

export function activeCount(mask: Mask): number {
  const { data } = mask;
  let count = 0;
  // Over an index: iterating takes ten times as long, and masks have a position for each pixel.
  for (let i = 0; i < data.length; i++) count += data[i]!;
  return count;
}

/** A coarser mask, of the next level down by itself: active where any position of a block is; sizes rounded up. */
export function coarser(mask: Mask, factor = 2): Mask {
  const height = Math.ceil(mask.height / factor);
  const width = Math.ceil(mask.width / factor);
  const data = new Uint8Array(height * width);
  for (let y = 0, i = 0; y < mask.height; y++) {
    const row = Math.floor(y / factor) * width;
    for (let x = 0; x < mask.width; x++, i++) if (mask.data[i]) data[row + Math.floor(x / factor)] = 1;
  }
  return { height, width, data };
}

/** Masks of levels 0 … count − 1, from the finest, which alone is dilated by `ring` positions. */
export function pyramid(mask: Mask, count: number, ring = 0): Mask[] {
  const levels = [mask];
  while (levels.length < count) levels.push(coarser(levels.at(-1)!));
  return [dilate(mask, ring), ...levels.slice(1)];
}
