import { float32, floats, type Tensor } from '../../graph/tensor.ts';
import type { Buffers } from '../../regions/buffers.ts';
import { dequantizeRows, quantizeRows } from '../../regions/bytes.ts';
import { type Storage, scaleName } from '../../regions/features.ts';
import { Recorded, readRows, withRows } from '../../regions/recorded.ts';
import { rowsFeaturesOf, rowsName, sumsName, type TokenFeatures } from '../../regions/token-features.ts';
import { formerRowsName, haloRowsName, SIGNS } from '../forms/tokens.ts';
import type { TokenPlan } from './token-plan.ts';

type Feeds = Record<string, Tensor>;

/** How features are stored, and for how many images. */
export interface TokenStorage {
  features: TokenFeatures;
  storage: Storage;
  batch: number;
}

/** Inputs with recorded features. A plan of all positions reads none. */
export function recordedFeeds(
  { features, storage, batch }: TokenStorage,
  plan: TokenPlan,
  recorded: Recorded | undefined,
  buffers: Buffers,
): Feeds {
  const { active, halo, isWhole } = plan;
  const former = isWhole ? NONE : active;
  const signs = new Float32Array(active.length + former.length).fill(1).fill(-1, active.length);
  const feeds: Feeds = {};
  if (features.attentions.length > 0) feeds[SIGNS] = float32(signs, [1, signs.length, 1]);
  const rows = (name: string, as: string, at: Int32Array, channels: number) => {
    const into = buffers.floats(as, batch * at.length * channels);
    if (at.length > 0)
      read({ recorded: recordedOf(recorded), storage, batch, buffers }, name, channels, at, into);
    feeds[as] = float32(into, [batch, at.length, channels]);
  };
  for (const feature of features.attentions) {
    const { channels } = feature.anchor;
    rows(rowsName(feature), formerRowsName(rowsName(feature)), former, channels);
    const { heads, output } = feature.operator;
    const size = output.channels / heads;
    const sums = isWhole
      ? buffers.floats(`none.${size}`, batch * heads * size * (size + 1))
      : (valuesOf(recordedOf(recorded), sumsName(feature)) as Float32Array);
    feeds[sumsName(feature)] = float32(sums, [batch, heads, size, size + 1]);
  }
  for (const feature of features.windows)
    rows(rowsName(feature), haloRowsName(rowsName(feature)), isWhole ? NONE : halo, feature.anchor.channels);
  for (const { keys, values } of features.attended)
    for (const feature of [keys, values])
      rows(feature.name, feature.name, plan.at(feature).others, feature.channels);
  return feeds;
}

/** Names of the outputs with a pass's features. */
export function featureOutputs(features: TokenFeatures): string[] {
  const rows = rowsFeaturesOf(features).map(({ name }) => name);
  return [...rows, ...features.attentions.map(sumsName)].map((name) => `new.${name}`);
}

/** The features of a pass over everything. */
export function recordedFrom({ features, storage }: TokenStorage, outputs: Readonly<Feeds>): Recorded {
  const recorded = new Recorded();
  for (const { name, channels } of rowsFeaturesOf(features)) {
    const rows = floats(outputs, `new.${name}`);
    if (storage === 'float32') recorded.set(name, rows);
    else {
      const { bytes, scale } = quantizeRows(rows, channels);
      recorded.set(name, bytes);
      recorded.set(scaleName(name), scale);
    }
  }
  for (const feature of features.attentions)
    recorded.set(sumsName(feature), floats(outputs, `new.${sumsName(feature)}`));
  return recorded;
}

/** The recorded features with a part's fresh rows and new sums. */
export function updatedBy(
  recorded: Recorded,
  { features, storage, batch }: TokenStorage,
  plan: TokenPlan,
  outputs: Readonly<Feeds>,
): Recorded {
  const updated = new Recorded(recorded);
  for (const feature of rowsFeaturesOf(features)) {
    const { name, channels } = feature;
    const { computed } = plan.at(feature);
    const fresh = floats(outputs, `new.${name}`);
    const put = (tensor: string, rows: Float32Array | Int8Array, width: number) =>
      updated.set(tensor, withRows(valuesOf(recorded, tensor), rows, batch, width, computed));
    if (storage === 'float32') put(name, fresh, channels);
    else {
      const { bytes, scale } = quantizeRows(fresh, channels);
      put(name, bytes, channels);
      put(scaleName(name), scale, 1);
    }
  }
  for (const feature of features.attentions)
    updated.set(sumsName(feature), floats(outputs, `new.${sumsName(feature)}`));
  return updated;
}

const NONE = new Int32Array();

interface Reading {
  recorded: Recorded;
  storage: Storage;
  batch: number;
  buffers: Buffers;
}

function read(
  { recorded, storage, batch, buffers }: Reading,
  name: string,
  channels: number,
  at: Int32Array,
  into: Float32Array,
): void {
  const rows = valuesOf(recorded, name);
  if (storage === 'float32') {
    readRows(rows, batch, channels, at, 0, into);
    return;
  }
  const bytes = readRows(rows, batch, channels, at, 0, buffers.bytes(name, into.length));
  const scales = valuesOf(recorded, scaleName(name));
  const scale = readRows(scales, batch, 1, at, 0, buffers.floats(scaleName(name), batch * at.length));
  dequantizeRows({ bytes, scale }, channels, into);
}

function recordedOf(recorded: Recorded | undefined): Recorded {
  if (!recorded) throw new Error('a part of the positions needs recorded features');
  return recorded;
}

function valuesOf(recorded: Recorded, name: string) {
  const rows = recorded.get(name);
  if (!rows) throw new Error(`${name} was not recorded`);
  return rows;
}
