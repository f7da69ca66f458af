import type { Area } from '../../shared/raster.ts';
import { coarser, type Mask } from './mask.ts';

/** Positions `from` … `to` − 1 along one side of a map. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A rectangle of a map. */
export interface Box {
  readonly y: Span;
  readonly x: Span;
}

export function fullBox(height: number, width: number): Box {
  return { y: { from: 0, to: height }, x: { from: 0, to: width } };
}

/** The box of an area of a picture. */
export function boxOf({ left, top, width, height }: Area): Box {
  return { x: { from: left, to: left + width }, y: { from: top, to: top + height } };
}

export function heightOf({ y }: Box): number {
  return y.to - y.from;
}

export function widthOf({ x }: Box): number {
  return x.to - x.from;
}

export function areaOf(box: Box): number {
  return heightOf(box) * widthOf(box);
}

/** The smallest rectangle that contains both. An empty one adds nothing. */
export function union(a: Box, b: Box): Box {
  if (areaOf(a) === 0) return b;
  if (areaOf(b) === 0) return a;
  return bothSides(a, b, (p, q) => ({ from: Math.min(p.from, q.from), to: Math.max(p.to, q.to) }));
}

/** The overlap of two rectangles, empty if they do not meet. */
export function intersection(a: Box, b: Box): Box {
  return bothSides(a, b, (p, q) => {
    const from = Math.max(p.from, q.from);
    return { from, to: Math.max(from, Math.min(p.to, q.to)) };
  });
}

export function grown({ y, x }: Box, by: number): Box {
  return { y: { from: y.from - by, to: y.to + by }, x: { from: x.from - by, to: x.to + by } };
}

/** The same rectangle on a map `factor` times as fine. */
export function scaled({ y, x }: Box, factor: number): Box {
  return {
    y: { from: y.from * factor, to: y.to * factor },
    x: { from: x.from * factor, to: x.to * factor },
  };
}

function bothSides(a: Box, b: Box, combine: (a: Span, b: Span) => Span): Box {
  return { y: combine(a.y, b.y), x: combine(a.x, b.x) };
}

/** A box of a map, relative to a crop of it. */
export function within(box: Box, crop: Box): Box {
  return bothSides(box, crop, ({ from, to }, { from: corner }) => ({ from: from - corner, to: to - corner }));
}

/** Positions y · width + x of a rectangle of a map, row by row. */
export function positionsIn(box: Box, width: number): Int32Array {
  const positions = new Int32Array(areaOf(box));
  let i = 0;
  for (let y = box.y.from; y < box.y.to; y++)
    for (let x = box.x.from; x < box.x.to; x++) positions[i++] = y * width + x;
  return positions;
}

/** The smallest rectangle with every active position (within a box), or undefined if there is none. */
export function boundsOf(mask: Mask, within = fullBox(mask.height, mask.width)): Box | undefined {
  let bounds: Box | undefined;
  for (let y = within.y.from; y < within.y.to; y++) {
    const start = y * mask.width + within.x.from;
    const row = mask.data.subarray(start, start + widthOf(within));
    const first = row.indexOf(1);
    if (first < 0) continue;
    const [from, to] = [within.x.from + first, within.x.from + row.lastIndexOf(1) + 1];
    const span = { y: { from: y, to: y + 1 }, x: { from, to } };
    bounds = bounds ? union(bounds, span) : span;
  }
  return bounds;
}

/** Bounding rectangles of the connected parts of a mask (8 neighbours). Close parts are joined until at most `most` are left. */
export function partsOf(mask: Mask, most = 12): Box[] {
  const boxes = connectedParts(mask);
  if (boxes.length <= most) return boxes;
  const full = fullBox(mask.height, mask.width);
  return partsOf(coarser(mask), most).map((box) => boundsOf(mask, intersection(scaled(box, 2), full))!);
}

function connectedParts({ height, width, data }: Mask): Box[] {
  const seen = new Uint8Array(data.length);
  const boxes: Box[] = [];
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || seen[start]) continue;
    let box: Box | undefined;
    const waiting = [start];
    seen[start] = 1;
    while (waiting.length > 0) {
      const position = waiting.pop()!;
      const y = Math.floor(position / width);
      const x = position % width;
      const here = { y: { from: y, to: y + 1 }, x: { from: x, to: x + 1 } };
      box = box ? union(box, here) : here;
      const around = intersection(grown(here, 1), fullBox(height, width));
      for (const neighbour of positionsIn(around, width)) {
        if (!data[neighbour] || seen[neighbour]) continue;
        seen[neighbour] = 1;
        waiting.push(neighbour);
      }
    }
    boxes.push(box!);
  }
  return boxes;
}

/** Merges pairs of rectangles for as long as that does not raise the total cost. */
export function mergeBoxes(boxes: readonly Box[], costOf: (box: Box) => number): Box[] {
  let costed = boxes.map((box) => ({ box, cost: costOf(box) }));
  for (;;) {
    let best: { merged: { box: Box; cost: number }; pair: readonly object[]; saved: number } | undefined;
    for (const [i, a] of costed.entries())
      for (const b of costed.slice(i + 1)) {
        const box = union(a.box, b.box);
        const merged = { box, cost: costOf(box) };
        const saved = a.cost + b.cost - merged.cost;
        if (saved >= (best?.saved ?? 0)) best = { merged, pair: [a, b], saved };
      }
    if (!best) return costed.map(({ box }) => box);
    const { merged, pair } = best;
    costed = [...costed.filter((other) => !pair.includes(other)), merged];
  }
}
