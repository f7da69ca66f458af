import { InputError } from '../../errors.ts';
import { sizeAt } from '../../graph/macs.ts';
import { boundsOf, heightOf, widthOf } from '../../regions/box.ts';
import type { Mask } from '../../regions/mask.ts';

/**
 * An image divided into bands along one axis, at every level: band k of level l has the positions whose coordinate on
 * `axis` is edges[l][k] … edges[l][k + 1] − 1. Every band has a part of every level, and bands do not overlap.
 */
export interface Bands {
  /** Positions of level 0. */
  readonly height: number;
  readonly width: number;
  readonly axis: Axis;
  readonly edges: readonly (readonly number[])[];
}

/** `y`: bands are rows of the image; `x`: columns. */
type Axis = 'y' | 'x';

/** A way to divide something into bands. */
export interface Cutting {
  /** Largest possible number of bands. */
  readonly most: number;
  /** Bands with sizes proportional to `weights`, one for each band, e.g. the workers' speeds. */
  bands(weights: readonly number[]): Bands;
}

export function bandCount({ edges }: Bands): number {
  return edges[0]!.length - 1;
}

/** Largest number of bands of a map: one for each position of the coarsest level along the axis. */
export function mostBands(
  extent: { height: number; width: number },
  levelCount: number,
  axis = longerSide(extent),
): number {
  return sizeAt(extent, levelCount - 1)[axis === 'y' ? 0 : 1];
}

/** Default axis: the longer one, which gives the shortest borders. */
export function longerSide({ height, width }: { height: number; width: number }): Axis {
  return width > height ? 'x' : 'y';
}

/** Divides a whole image. @param cell bands have whole cells of that side; see `Network.cell` */
export function wholeCutting(
  extent: { height: number; width: number },
  levelCount: number,
  cell = 1,
): Cutting {
  if (cell > 1) return cellCutting(extent, levelCount, cell);
  return {
    most: mostBands(extent, levelCount),
    bands: (weights) => cutBands(extent, levelCount, weights),
  };
}

function cellCutting(extent: { height: number; width: number }, levelCount: number, cell: number): Cutting {
  const cells = { height: extent.height / cell, width: extent.width / cell };
  return {
    most: mostBands(cells, 1),
    bands: (weights) => {
      const { axis, edges } = cutBands(cells, 1, weights);
      const at = (level: number) => edges[0]!.map((edge) => (edge * cell) / 2 ** level);
      return { ...extent, axis, edges: Array.from({ length: levelCount }, (_, level) => at(level)) };
    },
  };
}

/** Divides the active positions of an image, given for each level, so that every band gets its share of them. */
export function activeCutting(masks: readonly Mask[]): Cutting {
  const [{ height, width }] = masks as [Mask];
  const bounds = boundsOf(masks[0]!);
  if (!bounds) throw new Error('there is nothing active to cut');
  const axis = longerSide({ height: heightOf(bounds), width: widthOf(bounds) });
  const lines = masks.map((mask) => activeLines(mask, axis));
  const most = Math.min(...lines.map((counts) => counts.filter(Boolean).length));
  return {
    most,
    bands: (weights) => {
      const ends = endsOf(weights, most, 'The edited part');
      return { height, width, axis, edges: lines.map((counts) => cutLines(counts, ends)) };
    },
  };
}

/**
 * Divides the levels of a network into bands with sizes proportional to `weights`, one for each band, rounded to whole
 * positions at each level.
 */
export function cutBands(
  extent: { height: number; width: number },
  levelCount: number,
  weights: readonly number[],
  axis = longerSide(extent),
): Bands {
  const { height, width } = extent;
  const name = `A picture with ${width}×${height} latent positions`;
  const ends = endsOf(weights, mostBands(extent, levelCount, axis), name);
  const edges = Array.from({ length: levelCount }, (_, level) => {
    const size = sizeAt(extent, level)[axis === 'y' ? 0 : 1];
    return cutLines(new Array<number>(size).fill(1), ends);
  });
  return { height, width, axis, edges };
}

/** The end of each band, as a share of the whole. */
function endsOf(weights: readonly number[], most: number, name: string): number[] {
  const count = weights.length;
  if (count < 1 || count > most)
    throw new InputError(`${name} can be divided over 1 to ${most} workers, not ${count}.`);
  if (!weights.every((weight) => weight > 0 && Number.isFinite(weight)))
    throw new Error('bands have positive weights');
  const total = weights.reduce((a, b) => a + b);
  let sum = 0;
  return weights.map((weight) => {
    sum += weight;
    return sum / total;
  });
}

/** Edges between lines, given the active positions of each line, as close to `ends` as possible. No band is empty. */
function cutLines(counts: readonly number[], ends: readonly number[]): number[] {
  const occupied = [...counts.keys()].filter((line) => counts[line]! > 0);
  const before = [0];
  for (const line of occupied) before.push(before.at(-1)! + counts[line]!);
  const total = before.at(-1)!;
  const cuts = [0];
  let lines = 0;
  for (const [k, end] of ends.slice(0, -1).entries()) {
    const last = occupied.length - (ends.length - 1 - k);
    const distance = (count: number) => Math.abs(before[count]! - end * total);
    lines++;
    while (lines < last && distance(lines + 1) <= distance(lines)) lines++;
    cuts.push(occupied[lines]!);
  }
  return [...cuts, counts.length];
}

function activeLines({ height, width, data }: Mask, axis: Axis): number[] {
  const counts = new Array<number>(axis === 'y' ? height : width).fill(0);
  for (const [position, value] of data.entries()) {
    const line = axis === 'y' ? Math.floor(position / width) : position % width;
    counts[line] = counts[line]! + value;
  }
  return counts;
}

/** The masks of one band, from the finest level; with `within`, only its active positions at each level. */
export function bandMasks(bands: Bands, index: number, within?: readonly Mask[]): Mask[] {
  return bands.edges.map((edges, level) => {
    const [height, width] = sizeAt(bands, level);
    const [from, to] = [edges[index]!, edges[index + 1]!];
    const active = within && within[level]!.data;
    const data = new Uint8Array(height * width);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const along = bands.axis === 'y' ? y : x;
        const position = y * width + x;
        if (along >= from && along < to) data[position] = active ? active[position]! : 1;
      }
    return { height, width, data };
  });
}

/** Positions of each band at a level. */
export function bandSizes(bands: Bands, level: number): number[] {
  const across = sizeAt(bands, level)[bands.axis === 'y' ? 1 : 0];
  const edges = bands.edges[level]!;
  return edges.slice(1).map((to, k) => (to - edges[k]!) * across);
}
