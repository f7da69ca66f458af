import { countMacs, type Extent, sizeAt } from '../graph/macs.ts';
import type { Network } from '../graph/network.ts';
import type { FeatureMap } from '../graph/values.ts';
import { areaOf, type Box, fullBox, grown, intersection, type Span, scaled, union } from './box.ts';
import type { CoarseParts } from './coarse-parts.ts';
import { coarsestLevel } from './reach.ts';

/** Which rectangle of a decoder's coarse stages is computed. */
export interface CoarsePlan {
  readonly extent: Extent;
  /** Of the input's level. */
  readonly box: Box;
  /** The same at another level. */
  at(level: number): Box;
  /** By an anchor's id: the rectangle and what is read around it. */
  readonly windows: ReadonlyMap<number, Box>;
  /** By an anchor's id: where what windows give is kept. Keys and values change beyond the rectangle too. */
  readonly kept: ReadonlyMap<number, Box>;
  /** Multiply–accumulates of a run. */
  readonly macs: number;
}

/** @param box at the level of the network's input */
export function planCoarse(network: Network, parts: CoarseParts, extent: Extent, box: Box): CoarsePlan {
  const coarsest = coarsestLevel(network);
  const at = (level: number) => scaled(box, 2 ** (coarsest - level));
  const windows = new Map<number, Box>();
  const kept = new Map<number, Box>();
  for (const [id, { map, reach, attends }] of parts.anchors) {
    const around = (by: number) =>
      intersection(grown(at(map.level), by), fullBox(...sizeAt(extent, map.level)));
    kept.set(id, around(attends ? reach : 0));
    windows.set(id, around(attends ? 2 * reach : reach));
  }
  const computed = ({ id, level }: FeatureMap): number => {
    const [wide, narrow] = [parts.wide.get(id), parts.kept.get(id)];
    const anchor = parts.anchors.get(wide ?? narrow ?? Number.NaN);
    if (!anchor) return areaOf(at(level));
    const box = (wide === undefined ? kept : windows).get(anchor.map.id)!;
    return (anchor.attends ? 2 : 1) * 4 ** (anchor.map.level - level) * areaOf(box);
  };
  return { extent, box, at, windows, kept, macs: countMacs(network, extent, computed).total };
}

/**
 * The rectangle of the coarsest level to compute: a changed one and some positions around it, and what is above a wanted
 * rectangle of a finer map.
 */
export function coarseBox(changed: Box, margin: number, wanted: { box: Box; finer: number }, full: Box): Box {
  const above = ({ from, to }: Span): Span => ({
    from: Math.floor(from / wanted.finer),
    to: Math.ceil(to / wanted.finer),
  });
  const read = { y: above(wanted.box.y), x: above(wanted.box.x) };
  return intersection(union(grown(changed, margin), read), full);
}
