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

/** Active where an active position is at most `by` positions away along both sides: a square of side 2 · by + 1. */
export function dilate(mask: Mask, by: number): Mask {
  if (by <= 0) return mask;
  const { height, width, data } = mask;
  const across = spread(data, height, width, width, 1, by);
  return { height, width, data: spread(across, width, height, 1, width, by) };
}

/** Spreads along lines: `count` lines `stride` apart, of `length` positions `step` apart. */
function spread(
  data: Uint8Array,
  count: number,
  length: number,
  stride: number,
  step: number,
  by: number,
): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let line = 0; line < count; line++) {
    const start = line * stride;
    let done = 0;
    for (let i = 0; i < length; i++) {
      if (!data[start + i * step]) continue;
      const to = Math.min(length, i + by + 1);
      for (let j = Math.max(done, i - by); j < to; j++) out[start + j * step] = 1;
      done = to;
    }
  }
  return out;
}
