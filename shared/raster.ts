/** Rectangles of pictures and masks, as the extension host and the pages exchange them. */

/** In pixels. */
export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Values of an area, row by row, channels interleaved. */
export interface Patch extends Area {
  data: Uint8Array<ArrayBuffer>;
}

/** A whole picture or mask: [height, width, channels]. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

export function blankRaster(width: number, height: number, channels: number): Raster {
  return { width, height, channels, data: new Uint8Array(width * height * channels) };
}

/** Values of 0 for each pixel of an area. */
export function blankPatch({ left, top, width, height }: Area, channels = 1): Patch {
  return { left, top, width, height, data: new Uint8Array(width * height * channels) };
}

export function copyOf(raster: Raster): Raster {
  return { ...raster, data: raster.data.slice() };
}

export function wholeOf({ width, height }: { width: number; height: number }): Area {
  return { left: 0, top: 0, width, height };
}

export function sameArea(a: Area, b: Area): boolean {
  return a.left === b.left && a.top === b.top && a.width === b.width && a.height === b.height;
}

export function isEmpty({ width, height }: Area): boolean {
  return width <= 0 || height <= 0;
}

/** The smallest area that holds both. */
export function unite(a: Area | undefined, b: Area): Area {
  if (!a || isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  const left = Math.min(a.left, b.left);
  const top = Math.min(a.top, b.top);
  const right = Math.max(a.left + a.width, b.left + b.width);
  const bottom = Math.max(a.top + a.height, b.top + b.height);
  return { left, top, width: right - left, height: bottom - top };
}

/** The part of an area that is inside a raster, rounded to whole pixels; may be empty. */
export function clip(area: Area, { width, height }: { width: number; height: number }): Area {
  const left = Math.max(0, Math.floor(area.left));
  const top = Math.max(0, Math.floor(area.top));
  const right = Math.min(width, Math.ceil(area.left + area.width));
  const bottom = Math.min(height, Math.ceil(area.top + area.height));
  return { left, top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}

/** An area with so many pixels around it. */
export function around({ left, top, width, height }: Area, by: number): Area {
  return { left: left - by, top: top - by, width: width + 2 * by, height: height + 2 * by };
}

/** The intersection of two areas; may be empty. */
export function common(a: Area, b: Area): Area {
  const left = Math.max(a.left, b.left);
  const top = Math.max(a.top, b.top);
  const right = Math.min(a.left + a.width, b.left + b.width);
  const bottom = Math.min(a.top + a.height, b.top + b.height);
  return { left, top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}

/** True if an area has whole sides and is inside a raster. */
export function fits(area: Area, { width, height }: { width: number; height: number }): boolean {
  const { left, top } = area;
  const whole = [left, top, area.width, area.height].every((side) => Number.isInteger(side) && side >= 0);
  return whole && left + area.width <= width && top + area.height <= height;
}

/** A copy of an area's values. */
export function cut({ width, channels, data }: Raster, area: Area): Patch {
  const row = area.width * channels;
  const values = new Uint8Array(row * area.height);
  for (let y = 0; y < area.height; y++) {
    const from = ((area.top + y) * width + area.left) * channels;
    values.set(data.subarray(from, from + row), y * row);
  }
  const { left, top, height } = area;
  return { left, top, width: area.width, height, data: values };
}

/** The part of a patch that is inside a raster; undefined if there is none. */
export function within(patch: Patch, raster: { width: number; height: number }): Patch | undefined {
  if (fits(patch, raster)) return patch;
  const area = clip(patch, raster);
  if (isEmpty(area)) return undefined;
  const channels = patch.data.length / (patch.width * patch.height);
  const inPatch = { ...area, left: area.left - patch.left, top: area.top - patch.top };
  return { ...area, data: cut({ ...patch, channels }, inPatch).data };
}

/** Writes an area's values. */
export function paste({ width, channels, data }: Raster, patch: Patch): void {
  const row = patch.width * channels;
  for (let y = 0; y < patch.height; y++) {
    const to = ((patch.top + y) * width + patch.left) * channels;
    data.set(patch.data.subarray(y * row, (y + 1) * row), to);
  }
}

/** An area's values made smaller until no side is longer than that; each is the mean of those that it replaces. */
export function shrunkTo({ width, height, data }: Patch, channels: number, longest: number): Patch {
  const scale = Math.min(1, longest / Math.max(width, height));
  const [across, down] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  const values = new Uint8Array(across! * down! * channels);
  for (let y = 0, i = 0; y < down!; y++)
    for (let x = 0; x < across!; x++)
      for (let channel = 0; channel < channels; channel++, i++) {
        const [top, bottom] = [y, y + 1].map((row) => Math.floor((row * height) / down!));
        const [left, right] = [x, x + 1].map((column) => Math.floor((column * width) / across!));
        let sum = 0;
        for (let row = top!; row < bottom!; row++)
          for (let column = left!; column < right!; column++)
            sum += data[(row * width + column) * channels + channel]!;
        values[i] = Math.round(sum / ((bottom! - top!) * (right! - left!)));
      }
  return { left: 0, top: 0, width: across!, height: down!, data: values };
}

/** The smallest area that contains all differences of two rasters of one size; undefined if they are equal. */
export function difference(
  { width, height, channels, data: a }: Raster,
  { data: b }: Raster,
): Area | undefined {
  return boundsWhere(width, height, channels, {
    first(from, to) {
      for (let i = from; i < to; i++) if (a[i] !== b[i]) return i;
      return -1;
    },
    last(from, to) {
      for (let i = to - 1; i >= from; i--) if (a[i] !== b[i]) return i;
      return -1;
    },
  });
}

/** The smallest area that holds all values that are not 0; undefined if there are none. */
export function boundsOf({ width, height, channels, data }: Raster): Area | undefined {
  return boundsWhere(width, height, channels, {
    first(from, to) {
      for (let i = from; i < to; i++) if (data[i] !== 0) return i;
      return -1;
    },
    last(from, to) {
      for (let i = to - 1; i >= from; i--) if (data[i] !== 0) return i;
      return -1;
    },
  });
}

/** Finds a value in a range of indexes: of tens of millions, so its loop has no calls in it. −1 if there is none. */
interface Search {
  first(from: number, to: number): number;
  last(from: number, to: number): number;
}

/** Bounds of the positions that have a value which a search finds. */
function boundsWhere(
  width: number,
  height: number,
  channels: number,
  { first, last }: Search,
): Area | undefined {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    const start = y * width * channels;
    const end = start + width * channels;
    const from = first(start, end);
    if (from < 0) continue;
    left = Math.min(left, Math.floor((from - start) / channels));
    right = Math.max(right, Math.floor((last(start, end) - start) / channels));
    top = Math.min(top, y);
    bottom = y;
  }
  return right < 0 ? undefined : { left, top, width: right - left + 1, height: bottom - top + 1 };
}
