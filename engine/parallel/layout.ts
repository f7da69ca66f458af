import type { Split } from '../../shared/api.ts';
import type { Bands, Cutting } from '../execution/bands/bands.ts';

/** The division of an image: each worker's guidance branch (absent: all branches) and band. */
export interface Layout {
  readonly parts: readonly Part[];
}

export interface Part {
  /** Index of the worker. */
  readonly worker: number;
  readonly branch: number | undefined;
  readonly bands: Bands;
  readonly index: number;
}

/** Factor by which a step may be slower if branches are split, because they exchange nothing and are exact. */
const SPLIT_TOLERANCE = 1.25;

/**
 * Divides a picture over workers of given speeds. Branches of guidance are split first where the workers can be grouped
 * so that both groups are about equally fast; each group cuts the picture into bands by its workers' speeds. Workers
 * that the image cannot be divided over get nothing.
 * @param batch 2 with guidance, else 1.
 */
export function divide(
  speeds: readonly number[],
  batch: number,
  { most, bands: cut }: Cutting,
  split: Split,
): Layout {
  const bySpeed = [...speeds.keys()].sort((a, b) => speeds[b]! - speeds[a]!);
  const groups = batch === 2 && split === 'auto' ? grouped(bySpeed.slice(0, 2 * most), speeds) : undefined;
  const parts = (workers: readonly number[], branch: number | undefined): Part[] => {
    const bands = cut(workers.map((worker) => speeds[worker]!));
    return workers.map((worker, index) => ({ worker, branch, bands, index }));
  };
  if (groups) return { parts: groups.flatMap((workers, branch) => parts(workers, branch)) };
  return {
    parts: parts(
      bySpeed.slice(0, most).sort((a, b) => a - b),
      undefined,
    ),
  };
}

/** Two groups of about equal speed, or none if all workers on both branches would be faster. */
function grouped(bySpeed: readonly number[], speeds: readonly number[]): number[][] | undefined {
  if (bySpeed.length < 2) return undefined;
  const groups: number[][] = [[], []];
  const sums = [0, 0];
  for (const worker of bySpeed) {
    const slower = sums[0]! <= sums[1]! ? 0 : 1;
    groups[slower]!.push(worker);
    sums[slower] = sums[slower]! + speeds[worker]!;
  }
  const total = sums[0]! + sums[1]!;
  return total <= SPLIT_TOLERANCE * 2 * Math.min(...sums)
    ? groups.map((group) => group.sort((a, b) => a - b))
    : undefined;
}
