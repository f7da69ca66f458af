/** Changes of a mask's edge: by the image editor and the command line alike. */
import { type Area, around, boundsOf, clip, cut, type Patch, type Raster } from './raster.ts';

/** The inverse of a mask. */
export function inverted(mask: Raster): Patch {
  return { left: 0, top: 0, width: mask.width, height: mask.height, data: mask.data.map((v) => 255 - v) };
}

/** The mask grown by a disc; undefined if there is none. */
export function grown(mask: Raster, radius: number): Patch | undefined {
  const bounds = boundsOf(mask);
  return bounds && extreme(mask, clip(around(bounds, radius), mask), radius, Math.max, 0);
}

/** The mask shrunk by a disc; the picture's border is no edge. Undefined if there is none. */
export function shrunk(mask: Raster, radius: number): Patch | undefined {
  const bounds = boundsOf(mask);
  return bounds && extreme(mask, bounds, radius, Math.min, 255);
}

/** The mask with its edge faded over this many pixels to either side; undefined if there is none. */
export function feathered(mask: Raster, radius: number): Patch | undefined {
  const bounds = boundsOf(mask);
  if (!bounds) return undefined;
  const area = clip(around(bounds, radius), mask);
  const patch = cut(mask, area);
  // Three means in a row are close to a Gaussian; together they reach as far as the radius.
  const reaches = [radius, radius + 1, radius + 2].map((reach) => Math.floor(reach / 3));
  for (const reach of reaches) {
    averageLines(patch.data, area.height, area.width, area.width, 1, reach);
    averageLines(patch.data, area.width, area.height, 1, area.width, reach);
  }
  return patch;
}

/**
 * Replaces each value of lines by the mean of those not farther than `reach`; beyond a line's ends its last value is
 * repeated.
 */
function averageLines(
  data: Uint8Array,
  lines: number,
  length: number,
  between: number,
  along: number,
  reach: number,
): void {
  const line = new Uint8Array(length);
  for (let n = 0; n < lines; n++) {
    const at = (i: number) => line[Math.min(length - 1, Math.max(0, i))]!;
    for (let i = 0; i < length; i++) line[i] = data[n * between + i * along]!;
    let sum = 0;
    for (let i = -reach; i <= reach; i++) sum += at(i);
    for (let i = 0; i < length; i++) {
      data[n * between + i * along] = Math.round(sum / (2 * reach + 1));
      sum += at(i + reach + 1) - at(i - reach);
    }
  }
}

/** The largest or smallest value in a disc around each position; outside of the picture all is `outside`. */
function extreme(
  mask: Raster,
  area: Area,
  radius: number,
  pick: (a: number, b: number) => number,
  outside: number,
): Patch {
  const patch = cut(mask, area);
  const { width, height } = mask;
  const line = new Uint8Array(area.width);
  for (let dy = -radius; dy <= radius; dy++) {
    const half = Math.floor(Math.sqrt(radius * radius - dy * dy));
    for (let y = 0; y < area.height; y++) {
      const from = area.top + y + dy;
      if (from < 0 || from >= height) continue;
      extremeAlong(
        mask.data.subarray(from * width, (from + 1) * width),
        area.left,
        half,
        pick,
        outside,
        line,
      );
      for (let x = 0, i = y * area.width; x < area.width; x++, i++)
        patch.data[i] = pick(patch.data[i]!, line[x]!);
    }
  }
  return patch;
}

/**
 * The extreme of the values not farther than `half` along a row, in time that does not depend on `half` (van Herk,
 * 1992).
 */
function extremeAlong(
  row: Uint8Array,
  left: number,
  half: number,
  pick: (a: number, b: number) => number,
  outside: number,
  into: Uint8Array,
): void {
  const block = 2 * half + 1;
  const length = into.length + 2 * half;
  const at = (i: number) => row[left - half + i] ?? outside;
  const forwards = new Uint8Array(length);
  const backwards = new Uint8Array(length);
  for (let i = 0; i < length; i++) forwards[i] = i % block === 0 ? at(i) : pick(forwards[i - 1]!, at(i));
  for (let i = length - 1; i >= 0; i--)
    backwards[i] = i === length - 1 || i % block === block - 1 ? at(i) : pick(backwards[i + 1]!, at(i));
  for (let x = 0; x < into.length; x++) into[x] = pick(backwards[x]!, forwards[x + 2 * half]!);
}
