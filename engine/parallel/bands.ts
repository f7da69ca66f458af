import { InputError } from '../errors.ts';
import { sizeAt } from '../graph/macs.ts';
import type { Mask } from '../regions/mask.ts';

/**
 * A picture cut into bands across one side, at every level: band k of level l holds the positions whose coordinate on
 * `axis` is edges[l][k] … edges[l][k + 1] − 1. Every band has a part of every level, and no position is in two.
 */
export interface Bands {
  /** Of level 0. */
  readonly height: number;
  readonly width: number;
  readonly axis: Axis;
  readonly edges: readonly (readonly number[])[];
}

/** `y`: bands are rows of the picture; `x`: columns. */
export type Axis = 'y' | 'x';

export function bandCount({ edges }: Bands): number {
  return edges[0]!.length - 1;
}

/** Bands that a map may have at most: one for each position of the coarsest level along the axis. */
export function mostBands(
  extent: { height: number; width: number },
  levelCount: number,
  axis = longerSide(extent),
): number {
  return sizeAt(extent, levelCount - 1)[axis === 'y' ? 0 : 1];
}

/** The side across which bands are cut unless told otherwise: the longer one, for the shortest borders. */
export function longerSide({ height, width }: { height: number; width: number }): Axis {
  return width > height ? 'x' : 'y';
}

/**
 * Cuts the levels of a network into bands whose sizes are as `weights` (one a band, e.g. workers' speeds), rounded to
 * whole positions on each level.
 */
export function cutBands(
  extent: { height: number; width: number },
  levelCount: number,
  weights: readonly number[],
  axis = longerSide(extent),
): Bands {
  const count = weights.length;
  const most = mostBands(extent, levelCount, axis);
  if (count < 1 || count > most)
    throw new InputError(
      `A picture with ${extent.width}×${extent.height} latent positions can be divided over 1 to ${most} workers, not ${count}.`,
    );
  if (!weights.every((weight) => weight > 0 && Number.isFinite(weight)))
    throw new Error('bands have positive weights');
  const total = weights.reduce((a, b) => a + b);
  let sum = 0;
  const ends = weights.map((weight) => {
    sum += weight;
    return sum / total;
  });
  const edges = Array.from({ length: levelCount }, (_, level) => {
    const size = sizeAt(extent, level)[axis === 'y' ? 0 : 1];
    const cuts = [0];
    for (const [k, end] of ends.entries()) {
      const left = count - 1 - k;
      const least = cuts.at(-1)! + 1;
      cuts.push(left === 0 ? size : Math.min(Math.max(Math.round(end * size), least), size - left));
    }
    return cuts;
  });
  return { height: extent.height, width: extent.width, axis, edges };
}

/** The masks of one band, from the finest level. */
export function bandMasks(bands: Bands, index: number): Mask[] {
  return bands.edges.map((edges, level) => {
    const [height, width] = sizeAt(bands, level);
    const [from, to] = [edges[index]!, edges[index + 1]!];
    const data = new Uint8Array(height * width);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const along = bands.axis === 'y' ? y : x;
        if (along >= from && along < to) data[y * width + x] = 1;
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
