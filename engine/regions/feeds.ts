import type { Tensor } from '../runtime/runtime.ts';
import { type Feature, type RowFeature, type Storage, scaleName, type WindowReader } from './features.ts';
import type { Neighbours, RegionPlan } from './plan.ts';
import { putRows, takeRows } from './rows.ts';

/**
 * Features of an earlier pass by the name of their tensor: rows of whole levels in store order, [B, N, C] and their
 * scales; moments [2B, groups].
 */
export type Recorded = Map<string, Float32Array | Int8Array>;

/** How a network in rows form was lowered, and for how many pictures at a time it runs. */
export interface RegionForm {
  features: readonly Feature[];
  foldUpsampling: boolean;
  storage: Storage;
  batch: number;
}

/** Whether every position is active, so that nothing recorded is read and statistics are fresh. */
export function isDense(plan: RegionPlan): boolean {
  return plan.levels[0]!.inactive.length === 0;
}

/** The inputs that tell a network where rows find their neighbours; the same at every step. */
export function indexFeeds(
  { features, foldUpsampling }: RegionForm,
  plan: RegionPlan,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const feature of features) {
    if (feature.kind !== 'window') continue;
    const { reader, level } = feature;
    if (reader === 'up' && foldUpsampling) {
      const { classes } = plan.up[level - 1]!;
      for (const [parity, corners] of classes.entries())
        feeds[`up.${level - 1}.${parity}`] = int32(corners, 4);
    } else {
      const { index, taps } = neighboursOf(plan, reader, level);
      feeds[reader === 'up' ? `up.${level - 1}` : `${reader}.${level}`] = int32(index, taps);
    }
  }
  return feeds;
}

/** The inputs that bring what an earlier pass recorded; a dense plan needs none of it. */
export function featureFeeds(
  form: RegionForm,
  plan: RegionPlan,
  recorded?: Recorded,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  const { batch } = form;
  const dense = isDense(plan);
  for (const feature of form.features) {
    const { name, level } = feature;
    if (feature.kind === 'moments') {
      const { groups } = feature;
      const data = dense
        ? new Float32Array(2 * batch * groups)
        : (recordedOf(recorded, name) as Float32Array);
      feeds[name] = { type: 'float32', data, dims: [2 * batch, groups, 1] };
      const fresh = dense ? 1 / plan.levels[level]!.active.length : 0;
      feeds[`fresh.${level}`] = { type: 'float32', data: Float32Array.of(fresh), dims: [1] };
      continue;
    }
    const window = feature.kind === 'window';
    const at = window ? neighboursOf(plan, feature.reader, level).halo : plan.levels[level]!.inactive;
    const padding = window ? 1 : 0;
    for (const { tensor, channels, type, rows } of tensorsOf(feature, form.storage)) {
      const dims = rows ? [batch, at.length + padding, channels] : [1, 1, channels];
      let data: Float32Array | Int8Array;
      if (!rows) data = dense ? new Float32Array(channels).fill(1) : recordedOf(recorded, tensor);
      else if (at.length) data = takeRows(recordedOf(recorded, tensor), batch, channels, at, padding);
      else data = new (type === 'int8' ? Int8Array : Float32Array)(batch * padding * channels);
      feeds[tensor] = { type, data, dims } as Tensor;
    }
  }
  return feeds;
}

/** Names of the outputs that give a pass's features. */
export function featureOutputs({ features, storage }: RegionForm): string[] {
  return features.flatMap((feature) =>
    feature.kind === 'moments'
      ? [`new.${feature.name}`]
      : tensorsOf(feature, storage).map(({ tensor }) => `new.${tensor}`),
  );
}

/** A dense pass's features, to be read by later passes. */
export function recordedFrom(outputs: Readonly<Record<string, Tensor>>): Recorded {
  const recorded: Recorded = new Map();
  for (const [name, { data }] of Object.entries(outputs))
    if (name.startsWith('new.')) recorded.set(name.slice(4), data as Float32Array | Int8Array);
  return recorded;
}

/** Writes the fresh rows of a pass over a part of the picture into what was recorded; moments and scales a channel stay. */
export function updateRecorded(
  recorded: Recorded,
  form: RegionForm,
  plan: RegionPlan,
  outputs: Readonly<Record<string, Tensor>>,
): void {
  for (const feature of form.features) {
    if (feature.kind === 'moments') continue;
    const { stored } = plan.levels[feature.level]!;
    for (const { tensor, channels, rows } of tensorsOf(feature, form.storage)) {
      if (!rows) continue;
      const fresh = outputs[`new.${tensor}`]?.data as Float32Array | Int8Array | undefined;
      if (!fresh) throw new Error(`the pass did not give ${tensor}`);
      putRows(recordedOf(recorded, tensor), fresh, form.batch, channels, stored);
    }
  }
}

/** The tensors that hold a feature; `rows`: one row a position. */
function tensorsOf({ kind, name, channels }: RowFeature, storage: Storage) {
  const values = { tensor: name, channels, type: storage, rows: true };
  if (storage === 'float32') return [values];
  const scale = { tensor: scaleName(name), type: 'float32' as const };
  return kind === 'window'
    ? [values, { ...scale, channels: 1, rows: true }]
    : [values, { ...scale, channels, rows: false }];
}

function recordedOf(recorded: Recorded | undefined, name: string): Float32Array | Int8Array {
  const rows = recorded?.get(name);
  if (!rows) throw new Error(`${name} was not recorded`);
  return rows;
}

/** Where the rows that read a window of `level` find them. */
function neighboursOf(plan: RegionPlan, reader: WindowReader, level: number): Neighbours {
  if (reader === 'same') return plan.levels[level]!.same;
  return reader === 'down' ? plan.down[level]! : plan.up[level - 1]!;
}

function int32(data: Int32Array, taps: number): Tensor {
  return { type: 'int32', data, dims: [data.length / taps, taps] };
}
