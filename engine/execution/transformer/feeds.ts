import { float32, floats, type Tensor } from '../../graph/tensor.ts';
import type { Buffers } from '../../regions/buffers.ts';
import { dequantizeRows, quantizeRows } from '../../regions/bytes.ts';
import { type Storage, scaleName } from '../../regions/features.ts';
import {
  type ChannelRanges,
  channelRanges,
  packedWidth,
  packRows,
  unpackRows,
} from '../../regions/packed.ts';
import { Recorded, type Rows, readRows, recordedRows, withRows } from '../../regions/recorded.ts';
import {
  anchoredRows,
  type RowsFeature,
  rowsFeaturesOf,
  sumsName,
  type TokenFeatures,
} from '../../regions/token-features.ts';
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
  const rows = (feature: RowsFeature, as: string, at: Int32Array) => {
    const { channels } = feature;
    const into = buffers.floats(as, batch * at.length * channels);
    if (at.length > 0) read({ recorded: recordedOf(recorded), storage, batch, buffers }, feature, at, into);
    feeds[as] = float32(into, [batch, at.length, channels]);
  };
  for (const feature of features.attentions) {
    const anchored = anchoredRows(feature);
    rows(anchored, formerRowsName(anchored.name), former);
    const { heads, output } = feature.operator;
    const size = output.channels / heads;
    const sums = isWhole
      ? buffers.floats(`none.${size}`, batch * heads * size * (size + 1))
      : (recordedRows(recordedOf(recorded), sumsName(feature)) as Float32Array);
    feeds[sumsName(feature)] = float32(sums, [batch, heads, size, size + 1]);
  }
  for (const anchored of features.windows.map(anchoredRows))
    rows(anchored, haloRowsName(anchored.name), isWhole ? NONE : halo);
  for (const { keys, values } of features.attended)
    for (const feature of [keys, values]) rows(feature, feature.name, plan.at(feature).others);
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
  for (const feature of rowsFeaturesOf(features)) {
    const { name, channels } = feature;
    const rows = floats(outputs, `new.${name}`);
    const ranges = storage === 'int8' && feature.bits ? channelRanges(rows, channels) : undefined;
    for (const { tensor, data } of kept(feature, rows, storage, ranges)) recorded.set(tensor, data);
    if (!ranges) continue;
    recorded.set(centreName(name), ranges.centre);
    recorded.set(spreadName(name), ranges.spread);
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
    const { computed } = plan.at(feature);
    const fresh = floats(outputs, `new.${feature.name}`);
    const ranges = storage === 'int8' && feature.bits ? rangesOf(recorded, feature) : undefined;
    for (const { tensor, data, width } of kept(feature, fresh, storage, ranges))
      updated.set(tensor, withRows(recordedRows(recorded, tensor), data, batch, width, computed));
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
  feature: RowsFeature,
  at: Int32Array,
  into: Float32Array,
): void {
  const { name, channels, bits } = feature;
  const rows = recordedRows(recorded, name);
  if (storage === 'float32') {
    readRows(rows, batch, channels, at, 0, into);
    return;
  }
  const width = bits ? packedWidth(channels, bits) : channels;
  const held = buffers.bytes(name, batch * at.length * width);
  const bytes = readRows(rows, batch, width, at, 0, held);
  const scales = recordedRows(recorded, scaleName(name));
  const scale = readRows(scales, batch, 1, at, 0, buffers.floats(scaleName(name), batch * at.length));
  if (bits) unpackRows({ bytes, scale }, channels, bits, rangesOf(recorded, feature), into);
  else dequantizeRows({ bytes, scale }, channels, into);
}

/** The tensors in which rows [n, C] are kept, with the values of each for a row. */
function kept(
  { name, channels, bits }: RowsFeature,
  rows: Float32Array,
  storage: Storage,
  ranges: ChannelRanges | undefined,
): { tensor: string; data: Rows; width: number }[] {
  if (storage === 'float32') return [{ tensor: name, data: rows, width: channels }];
  const { bytes, scale } =
    bits && ranges ? packRows(rows, channels, bits, ranges) : quantizeRows(rows, channels);
  return [
    { tensor: name, data: bytes, width: bytes.length / scale.length },
    { tensor: scaleName(name), data: scale, width: 1 },
  ];
}

const centreName = (name: string) => `${name}.centre`;
const spreadName = (name: string) => `${name}.spread`;

/** What packed rows are relative to: the same for all rows of a record, also those of later edits. */
function rangesOf(recorded: Recorded, { name }: RowsFeature): ChannelRanges {
  const [centre, spread] = [centreName(name), spreadName(name)].map(
    (tensor) => recordedRows(recorded, tensor) as Float32Array,
  );
  return { centre: centre!, spread: spread! };
}

function recordedOf(recorded: Recorded | undefined): Recorded {
  if (!recorded) throw new Error('a part of the positions needs recorded features');
  return recorded;
}
