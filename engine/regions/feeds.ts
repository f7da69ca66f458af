import type { Tensor } from '../runtime/runtime.ts';
import type { Feature, WindowReader } from './features.ts';
import type { Neighbours, RegionPlan } from './plan.ts';
import { takeRows } from './rows.ts';

/** Features of an earlier pass, by name: rows of whole levels in store order, [B, N, C]; moments [2B, G]. */
export type Recorded = ReadonlyMap<string, Float32Array>;

/**
 * The inputs of a network in rows form (`lowering/rows.ts`) for one plan. Without recorded features every position
 * must be active: the pass is dense and its statistics are fresh.
 */
export function regionFeeds(
  features: readonly Feature[],
  plan: RegionPlan,
  batch: number,
  foldUpsampling: boolean,
  recorded?: Recorded,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  const dense = plan.levels.every(({ inactive }) => inactive.length === 0);
  const earlier = (name: string): Float32Array => {
    const rows = recorded?.get(name);
    if (!rows) throw new Error(`${name} was not recorded`);
    return rows;
  };
  for (const feature of features) {
    const { kind, name, level } = feature;
    if (kind === 'window') {
      const { channels, reader } = feature;
      const neighbours = neighboursFor(plan, reader, level);
      const rows = neighbours.halo.length + 1;
      const data =
        rows === 1
          ? new Float32Array(batch * channels)
          : takeRows(earlier(name), batch, channels, neighbours.halo, 1);
      feeds[name] = { type: 'float32', data, dims: [batch, rows, channels] };
      Object.assign(feeds, indexFeeds(plan, reader, level, foldUpsampling));
    } else if (kind === 'attended') {
      const { channels } = feature;
      const { inactive } = plan.levels[level]!;
      const data = inactive.length ? takeRows(earlier(name), batch, channels, inactive) : new Float32Array();
      feeds[name] = { type: 'float32', data, dims: [batch, inactive.length, channels] };
    } else {
      const { groups } = feature;
      const data = dense ? new Float32Array(2 * batch * groups) : earlier(name);
      feeds[name] = { type: 'float32', data, dims: [2 * batch, groups, 1] };
      const fresh = dense ? 1 / plan.levels[level]!.active.length : 0;
      feeds[`fresh.${level}`] = { type: 'float32', data: Float32Array.of(fresh), dims: [1] };
    }
  }
  return feeds;
}

/** Where the rows that read a window of `level` find them. */
function neighboursFor(plan: RegionPlan, reader: WindowReader, level: number): Neighbours {
  if (reader === 'same') return plan.levels[level]!.same;
  return reader === 'down' ? plan.down[level]! : plan.up[level - 1]!;
}

function indexFeeds(
  plan: RegionPlan,
  reader: WindowReader,
  level: number,
  foldUpsampling: boolean,
): Record<string, Tensor> {
  if (reader === 'up') {
    const { classes, index, taps } = plan.up[level - 1]!;
    if (!foldUpsampling) return { [`up.${level - 1}`]: int32(index, taps) };
    return Object.fromEntries(
      classes.map((corners, parity) => [`up.${level - 1}.${parity}`, int32(corners, 4)]),
    );
  }
  const { index, taps } = neighboursFor(plan, reader, level);
  return { [`${reader}.${level}`]: int32(index, taps) };
}

function int32(data: Int32Array, taps: number): Tensor {
  return { type: 'int32', data, dims: [data.length / taps, taps] };
}
