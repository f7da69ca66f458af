import { type Area, boundsOf, clip, cut, type Patch, type Raster } from '../../../shared/raster.ts';

/** Everything that was masked is not, and the other way round. */
export function inverted(mask: Raster): Patch {
  return { left: 0, top: 0, width: mask.width, height: mask.height, data: mask.data.map((v) => 255 - v) };
}

/** The mask grown by a disc; undefined if there is none. */
export function grown(mask: Raster, radius: number): Patch | undefined {
  const bounds = boundsOf(mask);
  return bounds && extreme(mask, around(mask, bounds, radius), radius, Math.max, 0);
}

/** The mask shrunk by a disc; the picture's border is no edge. Undefined if there is none. */
export function shrunk(mask: Raster, radius: number): Patch | undefined {
  const bounds = boundsOf(mask);
  return bounds && extreme(mask, bounds, radius, Math.min, 255);
}

function around(mask: Raster, { left, top, width, height }: Area, by: number): Area {
  return clip({ left: left - by, top: top - by, width: width + 2 * by, height: height + 2 * by }, mask);
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
  for (let dy = -radius; dy <= radius; dy++) {
    const half = Math.floor(Math.sqrt(radius * radius - dy * dy));
    for (let y = 0; y < area.height; y++) {
      const from = area.top + y + dy;
      if (from < 0 || from >= height) continue;
      const row = mask.data.subarray(from * width, (from + 1) * width);
      for (let x = 0; x < area.width; x++) {
        const [first, last] = [Math.max(0, area.left + x - half), Math.min(width - 1, area.left + x + half)];
        const i = y * area.width + x;
        let value = patch.data[i]!;
        for (let at = first; at <= last && value !== 255 - outside; at++) value = pick(value, row[at]!);
        patch.data[i] = value;
      }
    }
  }
  return patch;
}
