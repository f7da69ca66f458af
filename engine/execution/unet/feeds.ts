import type { AttentionMode } from '../../../shared/api.ts';
import { isSampled } from '../../graph/sampled-attention.ts';
import { float32, int64, type Tensor } from '../../graph/tensor.ts';
import { Buffers } from '../../regions/buffers.ts';
import { dequantizeRows, quantizeChannels, quantizeRows } from '../../regions/bytes.ts';
import {
  deviceTensors,
  type Feature,
  freshName,
  indexName,
  insideName,
  keyCountName,
  keysFromName,
  type MomentsFeature,
  type NormStatistics,
  type RowFeature,
  type RowStorage,
  scaleName,
  shareName,
  type WindowReader,
} from '../../regions/features.ts';
import type { Neighbours, RegionPlan } from '../../regions/plan.ts';
import { Recorded, type Rows, readRows, recordedRows, withRows } from '../../regions/recorded.ts';
import { composedFeeds, composedOutputs, composeMoments } from './composed-moments.ts';

/** How a network in rows form was lowered, and its batch. */
export interface RegionForm {
  features: readonly Feature[];
  foldUpsampling: boolean;
  storage: RowStorage;
  statistics: NormStatistics;
  attention: AttentionMode;
  batch: number;
}

type Feeds = Record<string, Tensor>;

/** Whether every position is active: then nothing recorded is read, and statistics are fresh. */
export function isDense(plan: RegionPlan): boolean {
  return plan.levels.every(({ inactive }) => inactive.length === 0);
}

/** Inputs with the indexes of neighbours; the same at every step. */
export function indexFeeds({ features, foldUpsampling }: RegionForm, plan: RegionPlan): Feeds {
  const feeds: Feeds = {};
  for (const feature of features) {
    if (feature.kind !== 'window') continue;
    const { reader, level } = feature;
    if (reader === 'up' && foldUpsampling) {
      const { classes } = plan.up[level - 1]!;
      for (const [parity, corners] of classes.entries())
        feeds[indexName(reader, level, parity)] = int32(corners, 4);
    } else {
      const { index, taps } = neighboursOf(plan, reader, level);
      feeds[indexName(reader, level)] = int32(index, taps);
      const { inside } = plan.levels[level]!;
      if (reader === 'same' && inside)
        feeds[insideName(level)] = { type: 'int32', data: inside, dims: [inside.length] };
    }
  }
  return feeds;
}

/** Inputs with recorded features. A dense plan needs none. */
export function featureFeeds(
  form: RegionForm,
  plan: RegionPlan,
  recorded?: Recorded,
  buffers = new Buffers(),
): Feeds {
  if (form.statistics === 'fresh') return wholeFeeds(form, plan);
  const isComposed = form.statistics === 'composed';
  const feeds: Feeds = isComposed ? composedFeeds(form, plan, buffers, recorded) : {};
  for (const feature of form.features) {
    if (feature.kind === 'moments') {
      if (!isComposed) Object.assign(feeds, momentFeeds(feature, form, plan, recorded));
    } else if (feature.kind === 'window') {
      const { halo } = neighboursOf(plan, feature.reader, feature.level);
      const data = windowRows(feature, form, halo, buffers, recorded);
      feeds[feature.name] = float32(data, [form.batch, halo.length + 1, feature.channels]);
    } else {
      const keys = keysOf(form, plan, feature.level);
      Object.assign(feeds, attendedFeeds(feature, form, keys, buffers, recorded));
    }
  }
  return feeds;
}

/** Inputs of a network that computes only whole images. */
function wholeFeeds(form: RegionForm, plan: RegionPlan): Feeds {
  if (!isDense(plan)) throw new Error('this form of the network computes whole pictures only');
  const feeds: Feeds = {};
  for (const { kind, level } of form.features) {
    if (kind === 'moments') feeds[freshName(level)] = freshFeed(plan, level);
    if (kind === 'attended') Object.assign(feeds, countFeed(form, level, keysOf(form, plan, level).active));
  }
  return feeds;
}

/**
 * Names of the outputs with a pass's features: all of them, or only rows, because a pass over a part has no moments
 * unless they are composed.
 */
export function featureOutputs({ features, statistics, storage }: RegionForm, only?: 'rows'): string[] {
  const isComposed = statistics === 'composed';
  const names = features.flatMap((feature) => {
    if (feature.kind !== 'moments') return deviceTensors(feature, storage).map((name) => `new.${name}`);
    if (only || isComposed) return [];
    return [feature.name, feature.scale, feature.offset].map((name) => `new.${name}`);
  });
  return isComposed ? [...names, ...composedOutputs(features)] : names;
}

/** The features of a dense pass, for later passes. */
export function recordedFrom(form: RegionForm, plan: RegionPlan, outputs: Readonly<Feeds>): Recorded {
  const { features, storage, statistics } = form;
  const recorded = new Recorded();
  if (statistics === 'composed') composeMoments(recorded, form, plan, (name) => outputOf(outputs, name));
  for (const feature of features) {
    const { name } = feature;
    if (feature.kind === 'moments') {
      if (statistics === 'composed') continue;
      for (const norm of [name, feature.scale, feature.offset]) recorded.set(norm, outputOf(outputs, norm));
    } else if (storage === 'float32') recorded.set(name, outputOf(outputs, name));
    else {
      const quantize = feature.kind === 'window' ? quantizeRows : quantizeChannels;
      const { bytes, scale } = quantize(outputOf(outputs, name), feature.channels);
      recorded.set(name, bytes);
      recorded.set(scaleName(name), scale);
    }
  }
  return recorded;
}

/**
 * The recorded features, with the fresh rows of a pass over a part. Per-channel scales stay as recorded, and so do
 * moments unless they are composed. If the part is everything, nothing stays.
 */
export function updatedBy(
  recorded: Recorded,
  form: RegionForm,
  plan: RegionPlan,
  outputs: Readonly<Feeds>,
): Recorded {
  if (isDense(plan)) return recordedFrom(form, plan, outputs);
  const { features, storage, statistics, batch } = form;
  const updated = new Recorded(recorded);
  if (statistics === 'composed')
    composeMoments(updated, form, plan, (name) => outputOf(outputs, name), recorded);
  for (const feature of features) {
    if (feature.kind === 'moments') continue;
    const level = plan.levels[feature.level]!;
    const { name, channels } = feature;
    const stored = feature.kind === 'window' ? level.stored : keysOf(form, plan, feature.level).active;
    const fresh = outputOf(outputs, name);
    const put = (tensor: string, rows: Rows, width: number) => {
      updated.set(tensor, withRows(recordedRows(recorded, tensor), rows, batch, width, stored));
    };
    if (storage === 'float32') put(name, fresh, channels);
    else if (feature.kind === 'window') {
      const { bytes, scale } = quantizeRows(fresh, channels);
      put(name, bytes, channels);
      put(scaleName(name), scale, 1);
    } else {
      const scale = recordedRows(recorded, scaleName(name)) as Float32Array;
      put(name, quantizeChannels(fresh, channels, scale).bytes, channels);
    }
  }
  return updated;
}

/** Inputs of group norm: for fresh statistics in a dense plan, else the recorded scale and offset. */
function momentFeeds(
  feature: MomentsFeature,
  { batch, statistics }: RegionForm,
  plan: RegionPlan,
  recorded?: Recorded,
): Feeds {
  const { name, scale, offset, level, groups, channels } = feature;
  const dense = isDense(plan);
  const none = () => float32(new Float32Array(2 * batch * groups), [2 * batch, groups, 1]);
  const rows = plan.levels[level]!.active.length;
  if (statistics === 'bands') {
    if (!dense) throw new Error('a band of a picture is fed by its exchange');
    const share = float32(new Float32Array(rows).fill(1 / rows), [1, rows]);
    return {
      [freshName(level)]: float32(Float32Array.of(1), [1]),
      [shareName(level)]: share,
      [name]: none(),
    };
  }
  if (dense && statistics === 'recorded') throw new Error('this form of the network cannot run densely');
  const norm = (known: string) => {
    const data = dense ? new Float32Array(batch * channels) : (recordedRows(recorded, known) as Float32Array);
    return float32(data, [batch, 1, channels]);
  };
  const given = { [scale]: norm(scale), [offset]: norm(offset) };
  if (statistics === 'recorded') return given;
  return { ...given, [freshName(level)]: freshFeed(plan, level), [name]: none() };
}

/** Weight of a pass's own statistics at a level; see `freshName`. */
export function freshFeed(plan: RegionPlan, level: number): Tensor {
  return float32(Float32Array.of(isDense(plan) ? 1 / plan.levels[level]!.active.length : 0), [1]);
}

/** If keys may be sampled: the input with the number of a level's rows that are keys. */
export function countFeed({ attention }: RegionForm, level: number, active: Int32Array): Feeds {
  if (attention === 'full') return {};
  return { [keyCountName(level)]: int64(BigInt64Array.of(BigInt(active.length)), [1]) };
}

/** The halo rows of a convolution, then a row of zeros: [B, halo + 1, C]. */
function windowRows(
  { name, channels }: RowFeature,
  { batch, storage }: RegionForm,
  halo: Int32Array,
  buffers: Buffers,
  recorded?: Recorded,
): Float32Array {
  const rows = batch * (halo.length + 1);
  const floats = buffers.floats(name, rows * channels);
  if (halo.length === 0) return floats;
  const all = recordedRows(recorded, name);
  if (storage !== 'int8') return readRows(all, batch, channels, halo, 1, floats);
  const bytes = readRows(all, batch, channels, halo, 1, buffers.bytes(name, rows * channels));
  const scales = recordedRows(recorded, scaleName(name));
  const scale = readRows(scales, batch, 1, halo, 1, buffers.floats(scaleName(name), rows));
  return dequantizeRows({ bytes, scale }, channels, floats);
}

/** Store rows of a level that self-attention reads: fresh ones and recorded ones. */
export function keysOf(
  { attention }: RegionForm,
  plan: RegionPlan,
  level: number,
): { active: Int32Array; inactive: Int32Array } {
  const { stored, inactive, quarter, height, width } = plan.levels[level]!;
  if (!isSampled(attention, height, width)) return { active: stored, inactive };
  const end = inactive.findIndex((row) => row >= quarter.stored);
  return {
    active: stored.subarray(0, quarter.active),
    inactive: end < 0 ? inactive : inactive.subarray(0, end),
  };
}

function attendedFeeds(
  { name, level, channels }: RowFeature,
  form: RegionForm,
  { active, inactive }: { active: Int32Array; inactive: Int32Array },
  buffers: Buffers,
  recorded?: Recorded,
): Feeds {
  const { batch, storage } = form;
  const count = countFeed(form, level, active);
  const taken = <T extends Rows>(padding: number, into: T): T =>
    inactive.length ? readRows(recordedRows(recorded, name), batch, channels, inactive, padding, into) : into;
  if (storage !== 'int8') {
    const data = taken(0, buffers.floats(name, batch * inactive.length * channels));
    return { ...count, [name]: float32(data, [batch, inactive.length, channels]) };
  }
  const rows = inactive.length + active.length;
  // A dense pass overwrites all of it, so features can share the array.
  const into = buffers.bytes(inactive.length ? name : `unread.${level}`, batch * rows * channels);
  const scale = inactive.length
    ? (recordedRows(recorded, scaleName(name)) as Float32Array)
    : new Float32Array(channels).fill(1);
  return {
    ...count,
    [keysFromName(level)]: int64(new BigInt64Array(batch).fill(BigInt(inactive.length)), [batch]),
    [name]: { type: 'int8', data: taken(active.length, into), dims: [batch, rows, channels] },
    [scaleName(name)]: float32(scale, [1, 1, channels]),
  };
}

function outputOf(outputs: Readonly<Feeds>, name: string): Float32Array {
  const tensor = outputs[`new.${name}`];
  if (tensor?.type !== 'float32') throw new Error(`the pass did not give ${name}`);
  return tensor.data;
}

/** Neighbour indexes of the rows that read a window of `level`. */
export function neighboursOf(plan: RegionPlan, reader: WindowReader, level: number): Neighbours {
  if (reader === 'same') return plan.levels[level]!.same;
  return reader === 'down' ? plan.down[level]! : plan.up[level - 1]!;
}

function int32(data: Int32Array, taps: number): Tensor {
  return { type: 'int32', data, dims: [data.length / taps, taps] };
}
