import { type DeviceTensor, float32, type Tensor } from '../../graph/tensor.ts';
import type { Buffers } from '../../regions/buffers.ts';
import { deviceTensors, freshName, type RowFeature } from '../../regions/features.ts';
import type { RegionPlan } from '../../regions/plan.ts';
import type { Features } from '../../regions/store.ts';
import type { Program } from '../backend.ts';
import { placeName, putName, takenName, wantedName } from '../forms/kept.ts';
import {
  countFeed,
  featureFeeds,
  freshFeed,
  isDense,
  keysOf,
  neighboursOf,
  type RegionForm,
} from './feeds.ts';

type Inputs = Record<string, Tensor | DeviceTensor>;

/** Fresh rows of a region, on the device. */
export class KeptRows implements Features {
  readonly tensors: Readonly<Record<string, DeviceTensor>>;

  constructor(tensors: Readonly<Record<string, DeviceTensor>>) {
    this.tensors = tensors;
  }

  pieces(): readonly DeviceTensor[] {
    return Object.values(this.tensors);
  }
}

/** Programs that read and replace rows of features where they are. */
export interface KeptPrograms {
  taking: Program;
  putting: Program;
}

/**
 * Features of a pass that stay on the device which computed them, by name: rows of whole levels, [B, N, C]; moments.
 */
export class KeptFeatures implements Features {
  readonly tensors: ReadonlyMap<string, DeviceTensor>;

  constructor(tensors: ReadonlyMap<string, DeviceTensor>) {
    this.tensors = tensors;
  }

  pieces(): readonly DeviceTensor[] {
    return [...this.tensors.values()];
  }

  get(name: string): DeviceTensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`${name} was not recorded`);
    return tensor;
  }
}

/** The features of a dense pass, for later passes: outputs `new.*`. */
export function keptFrom(outputs: Readonly<Record<string, DeviceTensor>>): KeptFeatures {
  return new KeptFeatures(
    new Map(Object.entries(outputs).map(([name, tensor]) => [name.slice('new.'.length), tensor])),
  );
}

/**
 * The feature inputs of a pass, taken from kept features unless everything is computed. The caller releases `taken`.
 */
export async function keptFeeds(
  { taking }: KeptPrograms,
  form: RegionForm,
  { plan, buffers }: { plan: RegionPlan; buffers: Buffers },
  kept: KeptFeatures | undefined,
): Promise<{ feeds: Inputs; taken: DeviceTensor[] }> {
  if (!kept || isDense(plan)) return { feeds: featureFeeds(form, plan, undefined, buffers), taken: [] };
  const feeds: Inputs = {};
  const inputs: Inputs = {};
  const rows: RowFeature[] = [];
  for (const feature of form.features) {
    if (feature.kind === 'moments') {
      for (const norm of [feature.scale, feature.offset]) feeds[norm] = kept.get(norm);
      if (form.statistics === 'recorded') continue;
      feeds[feature.name] = kept.get(feature.name);
      feeds[freshName(feature.level)] = freshFeed(plan, feature.level);
    } else {
      const wanted = wantedRows(feature, form, plan);
      for (const name of deviceTensors(feature, form.storage)) inputs[name] = kept.get(name);
      // Every input must be there, and on a device none may be empty.
      inputs[wantedName(feature)] = int32(wanted.length > 0 ? wanted : Int32Array.of(0));
      if (wanted.length > 0) rows.push(feature);
      else feeds[feature.name] = nothingOf(feature, form.batch);
    }
  }
  for (const { kind, level } of form.features)
    if (kind === 'attended') Object.assign(feeds, countFeed(form, level, keysOf(form, plan, level).active));
  const taken =
    rows.length > 0
      ? await taking.runKept(
          inputs,
          rows.map(({ name }) => takenName(name)),
        )
      : {};
  for (const feature of rows) feeds[feature.name] = taken[takenName(feature.name)]!;
  return { feeds, taken: Object.values(taken) };
}

/** The features with a pass's fresh rows in place. Moments stay as recorded. */
export async function putInto(
  { putting }: KeptPrograms,
  form: RegionForm,
  plan: RegionPlan,
  kept: KeptFeatures,
  fresh: Readonly<Record<string, DeviceTensor>>,
): Promise<KeptFeatures> {
  const inputs: Inputs = {};
  const updated = new Map(kept.tensors);
  const rows = form.features.filter((feature) => feature.kind !== 'moments');
  for (const feature of rows) inputs[placeName(feature)] = int32(places(feature, form, plan));
  const names = rows.flatMap((feature) => deviceTensors(feature, form.storage));
  for (const name of names) {
    inputs[name] = kept.get(name);
    inputs[`new.${name}`] = fresh[`new.${name}`]!;
  }
  const put = await putting.runKept(inputs, names.map(putName));
  for (const name of names) updated.set(name, put[putName(name)]!);
  return new KeptFeatures(updated);
}

/** A window's row of zeros, or no keys. */
function nothingOf({ kind, channels }: RowFeature, batch: number): Tensor {
  const rows = kind === 'window' ? 1 : 0;
  return float32(new Float32Array(batch * rows * channels), [batch, rows, channels]);
}

/** Store rows of a feature that a pass over a part reads. */
function wantedRows(feature: RowFeature, form: RegionForm, plan: RegionPlan): Int32Array {
  if (feature.kind === 'window') return neighboursOf(plan, feature.reader, feature.level).halo;
  return keysOf(form, plan, feature.level).inactive;
}

/** For each row of a level: where it is among the recorded rows and then the fresh ones. */
function places(feature: RowFeature, form: RegionForm, plan: RegionPlan): Int32Array {
  const { stored } = plan.levels[feature.level]!;
  const keys = keysOf(form, plan, feature.level);
  const active = feature.kind === 'window' ? stored : keys.active;
  const { inactive } = feature.kind === 'window' ? plan.levels[feature.level]! : keys;
  const count = active.length + inactive.length;
  const index = Int32Array.from({ length: count }, (_, row) => row);
  for (const [i, row] of active.entries()) index[row] = count + i;
  return index;
}

function int32(data: Int32Array): Tensor {
  return { type: 'int32', data, dims: [data.length] };
}
