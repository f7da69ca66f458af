/** Which positions of a map are computed: one byte for each, row-major, 1 where active. */
export interface Mask {
  readonly height: number;
  readonly width: number;
  readonly data: Uint8Array;
}

export function fullMask(height: number, width: number): Mask {
  return { height, width, data: new Uint8Array(height * width).fill(1) };
}

/** A centred rectangle with the map's proportions that covers about this share of it, at least one position. */
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
  // An index loop, because an iterator takes ten times as long and masks may have a position for each pixel.
  for (let i = 0; i < data.length; i++) count += data[i]!;
  return count;
}

/** Downsamples a mask by `factor`: a block is active if any of its positions is. Sizes are rounded up. */
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

/** The mask grown to whole cells of `side` × `side` positions. */
export function wholeCells(mask: Mask, side = 1): Mask {
  if (side === 1) return mask;
  const { height, width } = mask;
  const cells = coarser(mask, side);
  const data = Uint8Array.from(mask.data, (_, position) => {
    const [y, x] = [Math.floor(position / width), position % width];
    return cells.data[Math.floor(y / side) * cells.width + Math.floor(x / side)]!;
  });
  return { height, width, data };
}

/** The mask at every level, from the finest; each is dilated by that level's ring. */
export function pyramid(mask: Mask, rings: readonly number[]): Mask[] {
  let level = mask;
  return rings.map((ring, i) => {
    if (i > 0) level = coarser(level);
    return dilate(level, ring);
  });
}

/** Dilates a mask with a square of side 2 · by + 1. */
export function dilate(mask: Mask, by: number): Mask {
  if (by <= 0) return mask;
  const { height, width, data } = mask;
  const across = spread(data, height, width, width, 1, by);
  return { height, width, data: spread(across, width, height, 1, width, by) };
}

/** Dilates along lines: `count` lines `stride` apart, each with `length` positions `step` apart. */
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
