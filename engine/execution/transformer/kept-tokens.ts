import { type DeviceTensor, float32, type Tensor } from '../../graph/tensor.ts';
import {
  centreName,
  type DeviceStorage,
  deviceTensors,
  scaleName,
  spreadName,
} from '../../regions/features.ts';
import {
  type RowsFeature,
  rowsFeaturesOf,
  sumsName,
  type TokenFeatures,
} from '../../regions/token-features.ts';
import type { Program } from '../backend.ts';
import { putName } from '../forms/kept.ts';
import { FORMER, FRESH_RANGES, HALO, othersName, SIGNS, tokenPlaceName } from '../forms/tokens.ts';
import { KeptFeatures } from '../unet/kept-features.ts';
import { signsOf } from './feeds.ts';
import type { TokenPlan } from './token-plan.ts';

type Inputs = Record<string, Tensor | DeviceTensor>;

/** Features of a transformer that stay on the device which computed them, by name: rows of all positions; sums. */
export class KeptTokens extends KeptFeatures {
  /** See `Recorded.edits`. */
  edits = 0;
}

/** Which features stay on the device, how, and for how many images. */
export interface TokenKeeping {
  features: TokenFeatures;
  storage: DeviceStorage;
  batch: number;
}

/** The features of a pass over everything: outputs `new.*`. */
export function keptTokensFrom(outputs: Readonly<Record<string, DeviceTensor>>): KeptTokens {
  const named = Object.entries(outputs).map(([name, tensor]) => [name.slice('new.'.length), tensor] as const);
  return new KeptTokens(new Map(named));
}

/** Names of the outputs with a pass's features. A part keeps the ranges of the record. */
export function keptOutputs({ features, storage }: TokenKeeping, { isWhole }: TokenPlan): string[] {
  const rows = rowsFeaturesOf(features).flatMap((feature) => [
    ...deviceTensors(feature, storage),
    ...(isWhole && storage === 'nibbles' ? rangesOf(feature) : []),
  ]);
  return [...rows, ...features.attentions.map(sumsName)].map((name) => `new.${name}`);
}

function rangesOf({ name }: RowsFeature): [string, string] {
  return [centreName(name), spreadName(name)];
}

/** Inputs with features that stayed on the device. A plan of all positions reads none. */
export function keptTokenFeeds(keeping: TokenKeeping, plan: TokenPlan, kept: KeptTokens | undefined): Inputs {
  const { features, batch } = keeping;
  const { active, halo, isWhole } = plan;
  const feeds: Inputs = {};
  const former = isWhole ? NONE : active;
  if (features.attentions.length > 0) {
    feeds[SIGNS] = signsOf(active.length, former.length);
    feeds[FORMER] = int32(former);
  }
  if (keeping.storage === 'nibbles') feeds[FRESH_RANGES] = float32(Float32Array.of(isWhole ? 1 : 0), [1]);
  if (features.windows.length > 0) feeds[HALO] = int32(isWhole ? NONE : halo);
  for (const { keys } of features.attended) feeds[othersName(keys)] = int32(plan.at(keys).others);
  for (const feature of rowsFeaturesOf(features))
    Object.assign(feeds, rowsFeeds(feature, keeping, kept, isWhole));
  for (const feature of features.attentions) {
    const { heads, output } = feature.operator;
    const size = output.channels / heads;
    feeds[sumsName(feature)] = isWhole
      ? zeros([batch, heads, size, size + 1])
      : tensorOf(kept, sumsName(feature));
  }
  return feeds;
}

/** The features with a part's fresh rows in place, and its sums. */
export async function putTokens(
  putting: Program,
  { features, storage }: TokenKeeping,
  plan: TokenPlan,
  kept: KeptTokens,
  fresh: Readonly<Record<string, DeviceTensor>>,
): Promise<KeptTokens> {
  const updated = new Map(kept.tensors);
  for (const name of features.attentions.map(sumsName)) updated.set(name, fresh[`new.${name}`]!);
  const rows = rowsFeaturesOf(features);
  const inputs: Inputs = {};
  for (const feature of rows) inputs[tokenPlaceName(feature)] ??= int32(placesIn(plan, feature));
  const names = rows.flatMap((feature) => deviceTensors(feature, storage));
  for (const name of names) {
    inputs[name] = kept.get(name);
    inputs[`new.${name}`] = fresh[`new.${name}`]!;
  }
  const put = await putting.runKept(inputs, names.map(putName));
  for (const name of names) updated.set(name, put[putName(name)]!);
  return new KeptTokens(updated);
}

/** The tensors of recorded rows; where nothing was recorded one row, of which none is read. */
function rowsFeeds(
  feature: RowsFeature,
  { storage, batch }: TokenKeeping,
  kept: KeptTokens | undefined,
  isWhole: boolean,
): Inputs {
  const { name, channels } = feature;
  const scale = scaleName(name);
  const ranges = storage === 'nibbles' ? rangesOf(feature) : [];
  if (!isWhole) {
    const names = [...deviceTensors(feature, storage), ...ranges];
    return Object.fromEntries(names.map((one) => [one, tensorOf(kept, one)]));
  }
  const dims = [batch, 1, channels];
  const size = batch * channels;
  if (storage === 'float32') return { [name]: zeros(dims) };
  if (storage === 'float16') return { [name]: { type: 'float16', data: new Uint16Array(size), dims } };
  const bytes = storage === 'nibbles' ? channels : size;
  return {
    [name]: { type: 'uint8', data: new Uint8Array(bytes), dims: [bytes / channels, 1, channels] },
    [scale]: zeros([batch, 1, 1]),
    ...Object.fromEntries(ranges.map((one) => [one, zeros([batch, 1, channels])])),
  };
}

/** For each row of a map: where it is among the recorded rows and then the fresh ones. */
function placesIn(plan: TokenPlan, feature: RowsFeature): Int32Array {
  const { computed, others } = plan.at(feature);
  const count = computed.length + others.length;
  const index = Int32Array.from({ length: count }, (_, row) => row);
  for (const [i, row] of computed.entries()) index[row] = count + i;
  return index;
}

function tensorOf(kept: KeptTokens | undefined, name: string): DeviceTensor {
  if (!kept) throw new Error('a part of the positions needs recorded features');
  return kept.get(name);
}

function zeros(dims: number[]): Tensor {
  return float32(new Float32Array(dims.reduce((a, b) => a * b)), dims);
}

function int32(data: Int32Array): Tensor {
  return { type: 'int32', data, dims: [data.length] };
}

const NONE = new Int32Array();
