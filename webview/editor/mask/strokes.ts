import { type Area, clip, type Raster } from '../../../shared/raster.ts';

/** Pixels of the picture, fractions count. Pixel (x, y) has its middle at (x + ½, y + ½). */
export interface Point {
  x: number;
  y: number;
}

/** How a brush paints. */
export interface Brush {
  /** Pixels. */
  radius: number;
  /** 0: a sharp edge; 1: fading from the middle. */
  softness: number;
}

/** The new value under a coverage of 0 … 255. */
export type Blend = (value: number, coverage: number) => number;

export const cover: Blend = (value, coverage) => Math.max(value, coverage);
export const uncover: Blend = (value, coverage) => Math.min(value, 255 - coverage);

/**
 * Paints a brush drawn along a straight line. Painting a place twice in one stroke has no further effect, so a
 * stroke's segments may overlap.
 * @returns the area that may have changed.
 */
export function paintSegment(mask: Raster, from: Point, to: Point, brush: Brush, blend: Blend): Area {
  const { radius, softness } = brush;
  const reach = radius + 1;
  const area = clip(
    {
      left: Math.min(from.x, to.x) - reach,
      top: Math.min(from.y, to.y) - reach,
      width: Math.abs(to.x - from.x) + 2 * reach,
      height: Math.abs(to.y - from.y) + 2 * reach,
    },
    mask,
  );
  const hard = radius * (1 - softness);
  // A sharp edge is one pixel wide, so that it is smooth.
  const fade = Math.max(1, radius - hard);
  const inner = radius - fade + 0.5;
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length2 = dx * dx + dy * dy;
  const outer2 = (inner + fade) ** 2;
  const inner2 = inner > 0 ? inner * inner : -1;
  const { channels } = mask;
  for (let y = area.top; y < area.top + area.height; y++) {
    const py = y + 0.5 - from.y;
    const row = y * mask.width;
    for (let x = area.left; x < area.left + area.width; x++) {
      const px = x + 0.5 - from.x;
      const along = length2 > 0 ? Math.max(0, Math.min(1, (px * dx + py * dy) / length2)) : 0;
      const [ex, ey] = [px - along * dx, py - along * dy];
      const distance2 = ex * ex + ey * ey;
      if (distance2 >= outer2) continue;
      let coverage = 255;
      if (distance2 > inner2) {
        const depth = 1 - (Math.sqrt(distance2) - inner) / fade;
        coverage = Math.round(255 * smooth(Math.min(1, depth)));
      }
      const at = (row + x) * channels;
      for (let i = at; i < at + channels; i++) mask.data[i] = blend(mask.data[i]!, coverage);
    }
  }
  return area;
}

/** 0 … 1 with level ends. */
function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}
