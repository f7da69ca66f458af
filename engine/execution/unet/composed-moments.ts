import { float32, type Tensor } from '../../graph/tensor.ts';
import type { Buffers } from '../../regions/buffers.ts';
import {
  type Feature,
  MOMENTS,
  type NormsOfLevel,
  normsByLevel,
  partsName,
  shareName,
} from '../../regions/features.ts';
import type { RegionPlan } from '../../regions/plan.ts';
import { type Recorded, recordedRows, sumRows, withRows } from '../../regions/recorded.ts';

/** The network's features and the batch. */
interface Form {
  features: readonly Feature[];
  batch: number;
}

type Feeds = Record<string, Tensor>;

/** Inputs of group norm by composed statistics: the contribution of inactive positions to the moments. */
export function composedFeeds(
  { features, batch }: Form,
  plan: RegionPlan,
  buffers: Buffers,
  recorded?: Recorded,
): Feeds {
  const levels = normsOf(features);
  if (levels.length === 0) return {};
  const feeds: Feeds = {};
  for (const { level } of levels) {
    const count = plan.levels[level]!.active.length;
    const share = buffers.floats(shareName(level), count).fill(weightAt(plan, level));
    feeds[shareName(level)] = float32(share, [1, count]);
  }
  const width = widthOf(levels);
  const given = buffers.floats(MOMENTS, 2 * batch * width);
  given.set(othersOf(levels, batch, plan, recorded));
  for (const { from, norms } of levels) {
    let at = from;
    for (const { groups, epsilon } of norms) {
      for (let b = batch; b < 2 * batch; b++)
        for (let g = 0; g < groups; g++) given[b * width + at + g]! += epsilon;
      at += groups;
    }
  }
  feeds[MOMENTS] = float32(given, [2 * batch, 1, width]);
  return feeds;
}

/** Names of the outputs that moments are composed of later. */
export function composedOutputs(features: readonly Feature[]): string[] {
  return normsOf(features).map(({ level }) => `new.${partsName(level)}`);
}

/**
 * Lays a pass's parts over those of an earlier pass, if there is one, and the moments of the whole image after it.
 * @param partsOf the fresh rows by level
 */
export function composeMoments(
  into: Recorded,
  { features, batch }: Form,
  plan: RegionPlan,
  partsOf: (name: string) => Float32Array,
  recorded?: Recorded,
): void {
  const levels = normsOf(features);
  if (levels.length === 0) return;
  const width = widthOf(levels);
  const moments = othersOf(levels, batch, plan, recorded);
  for (const { level, from, groups } of levels) {
    const { stored } = plan.levels[level]!;
    const name = partsName(level);
    const parts = partsOf(name);
    const every = Int32Array.from(stored, (_, row) => row);
    addMeans(
      moments,
      sumRows(parts, 2 * batch, groups, every),
      { width, from, groups },
      weightAt(plan, level),
    );
    const before = recorded?.get(name);
    into.set(name, before ? withRows(before, parts, 2 * batch, groups, stored) : parts);
  }
  into.set(MOMENTS, moments);
}

/** The part of the moments [2B, groups of all norms] that is of positions which are not active. */
function othersOf(
  levels: readonly NormsOfLevel[],
  batch: number,
  plan: RegionPlan,
  recorded?: Recorded,
): Float32Array {
  const width = widthOf(levels);
  const others = new Float32Array(2 * batch * width);
  for (const { level, from, groups } of levels) {
    const { stored, inactive } = plan.levels[level]!;
    if (inactive.length === 0) continue;
    const all = recordedRows(recorded, MOMENTS) as Float32Array;
    for (let b = 0; b < 2 * batch; b++) {
      const first = b * width + from;
      others.set(all.subarray(first, first + groups), first);
    }
    const before = sumRows(recordedRows(recorded, partsName(level)), 2 * batch, groups, stored);
    addMeans(others, before, { width, from, groups }, -weightAt(plan, level));
  }
  return others;
}

/** Adds weighted sums [2B, groups] to a level's part of moments [2B, width]. */
function addMeans(
  moments: Float32Array,
  sums: Float64Array,
  { width, from, groups }: { width: number; from: number; groups: number },
  weight: number,
): void {
  for (let i = 0, first = from; i < sums.length; first += width)
    for (let g = 0; g < groups; g++, i++) moments[first + g]! += weight * sums[i]!;
}

/** The weight of a row in the means of its level. */
function weightAt(plan: RegionPlan, level: number): number {
  const { height, width } = plan.levels[level]!;
  return 1 / (height * width);
}

function widthOf(levels: readonly NormsOfLevel[]): number {
  return levels.reduce((sum, { groups }) => sum + groups, 0);
}

/** The norms of a network, whose list of features is the same at every step. */
function normsOf(features: readonly Feature[]): readonly NormsOfLevel[] {
  const known = byFeatures.get(features) ?? normsByLevel(features);
  byFeatures.set(features, known);
  return known;
}

const byFeatures = new WeakMap<readonly Feature[], readonly NormsOfLevel[]>();
