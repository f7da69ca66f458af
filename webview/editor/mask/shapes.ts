import { type Area, clip, type Raster } from '../../../shared/raster.ts';
import type { Blend, Point } from './strokes.ts';

/** The corners of a rectangle with two of them opposite. */
export function cornersOf(a: Point, b: Point): Point[] {
  return [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
}

/** Paints a rectangle of whole pixels. @returns what may have changed. */
export function paintRectangle(mask: Raster, a: Point, b: Point, blend: Blend): Area {
  const left = Math.round(Math.min(a.x, b.x));
  const top = Math.round(Math.min(a.y, b.y));
  const right = Math.round(Math.max(a.x, b.x));
  const bottom = Math.round(Math.max(a.y, b.y));
  const area = clip({ left, top, width: right - left, height: bottom - top }, mask);
  for (let y = area.top; y < area.top + area.height; y++)
    for (let x = area.left; x < area.left + area.width; x++) {
      const i = y * mask.width + x;
      mask.data[i] = blend(mask.data[i]!, 255);
    }
  return area;
}

/** Samples a pixel side for smooth edges. */
const SAMPLES = 4;

/**
 * Paints the inside of a closed line by the even-odd rule, with smooth edges.
 * @returns what may have changed.
 */
export function paintPolygon(mask: Raster, points: readonly Point[], blend: Blend): Area {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const area = clip({ left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top }, mask);
  const counts = new Uint8Array(area.width);
  for (let y = area.top; y < area.top + area.height; y++) {
    counts.fill(0);
    for (let s = 0; s < SAMPLES; s++) {
      const crossings = crossingsAt(points, y + (s + 0.5) / SAMPLES);
      for (let k = 0; k + 1 < crossings.length; k += 2)
        countSpan(counts, crossings[k]! - area.left, crossings[k + 1]! - area.left);
    }
    for (let x = 0; x < area.width; x++) {
      if (!counts[x]) continue;
      const i = y * mask.width + area.left + x;
      mask.data[i] = blend(mask.data[i]!, Math.round((255 * counts[x]!) / SAMPLES ** 2));
    }
  }
  return area;
}

/** Where a closed line crosses a height, ascending. */
function crossingsAt(points: readonly Point[], y: number): number[] {
  const crossings: number[] = [];
  for (const [i, a] of points.entries()) {
    const b = points[(i + 1) % points.length]!;
    if (a.y <= y === b.y <= y) continue;
    crossings.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
  }
  return crossings.sort((p, q) => p - q);
}

/** Adds the samples of one line between two places. */
function countSpan(counts: Uint8Array, from: number, to: number): void {
  const first = Math.max(0, Math.ceil(from * SAMPLES - 0.5));
  const end = Math.min(counts.length * SAMPLES, Math.ceil(to * SAMPLES - 0.5));
  for (let i = first; i < end; i++) counts[Math.floor(i / SAMPLES)]!++;
}
