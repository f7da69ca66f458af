import { countMacs, type Extent, sizeAt } from '../graph/macs.ts';
import type { Network } from '../graph/network.ts';
import type { Enlargement, Operator } from '../graph/operators.ts';
import type { FeatureMap } from '../graph/values.ts';
import { type Anchors, hasWindow } from './anchors.ts';
import { areaOf, type Box, fullBox, grown, intersection, type Span, union } from './box.ts';
import { mapsOf, readBy } from './reach.ts';

/** What an operator with a window reads of its map. */
interface WindowRead {
  /** Within the map. */
  readonly box: Box;
  /** Positions beyond the map's border: above, left, below, right. */
  readonly beyond: readonly [number, number, number, number];
}

/** Which rectangle of each map is computed after a part of an image has changed. */
export interface PartPlan {
  readonly height: number;
  readonly width: number;
  /** By a value's id: the rectangle that is computed. */
  readonly boxes: ReadonlyMap<number, Box>;
  /** By a recorded map's id: the rectangle that is read. */
  readonly windows: ReadonlyMap<number, Box>;
  readonly reads: ReadonlyMap<Operator, WindowRead>;
  /** Multiply–accumulates of a run. */
  readonly macs: number;
}

/** How many positions bicubic interpolation reads to each side. */
const CUBIC_REACH = 2;

/**
 * Plans the computation of a changed part. Every recorded map is computed at the change and `margin` positions around
 * it, at the map's own level, and keeps its recorded values elsewhere.
 * @param extent size of level 0 @param changed a rectangle of level 0
 */
export function planPart(
  network: Network,
  anchors: Anchors,
  extent: Extent,
  changed: Box,
  margin: number,
): PartPlan {
  const mapOf = (level: number) => fullBox(...sizeAt(extent, level));
  const activeAt = (level: number): Box => {
    if (level === 0) return changed;
    const scale = 2 ** level;
    const side = ({ from, to }: Span): Span => ({
      from: Math.floor(from / scale),
      to: Math.ceil(to / scale),
    });
    return intersection(grown({ y: side(changed.y), x: side(changed.x) }, margin), mapOf(level));
  };
  const boxes = new Map<number, Box>();
  const windows = new Map<number, Box>();
  const reads = new Map<Operator, WindowRead>();
  for (const [id, { level }] of anchors.maps) {
    boxes.set(id, activeAt(level));
    windows.set(id, activeAt(level));
  }
  for (const value of network.outputs.values())
    if (value.kind === 'map') boxes.set(value.id, activeAt(value.level));
  for (const operator of [...network.operators].reverse()) {
    const values = mapsOf(operator);
    const wanted = values && boxes.get(values.output.id);
    if (!values || !wanted) continue;
    const read = hasWindow(operator)
      ? windowRead(operator, wanted, mapOf(values.inputs[0]!.level))
      : undefined;
    if (read) reads.set(operator, read);
    for (const { id } of values.inputs) {
      const box = read?.box ?? wanted;
      const into = anchors.maps.has(id) ? windows : boxes;
      const known = into.get(id);
      into.set(id, known ? union(known, box) : box);
    }
  }
  const computed = ({ id }: FeatureMap) => areaOf(boxes.get(id)!);
  const { total: macs } = countMacs(network, extent, computed);
  const { height, width } = extent;
  return { height, width, boxes, windows, reads, macs };
}

function windowRead(operator: Operator, wanted: Box, map: Box): WindowRead {
  const span = (output: Span): Span => {
    if (operator.type === 'convolution') return readBy(operator, output);
    const { from, to } = coarseSpan(operator as Enlargement, output);
    return { from: from - CUBIC_REACH, to: to + CUBIC_REACH };
  };
  const [y, x] = [span(wanted.y), span(wanted.x)];
  const box = intersection({ y, x }, map);
  const beyond = [box.y.from - y.from, box.x.from - x.from, y.to - box.y.to, x.to - box.x.to] as const;
  return { box, beyond };
}

/** The coarse positions that a span of the enlarged map covers. */
export function coarseSpan({ input, output }: Enlargement, { from, to }: Span): Span {
  const factor = 2 ** (input.level - output.level);
  return { from: Math.floor(from / factor), to: Math.ceil(to / factor) };
}
