import type { Network } from '../graph/network.ts';
import type { Attention, Convolution, GroupNorm } from '../graph/operators.ts';

/**
 * A tensor that a network in rows form can read from an earlier pass and outputs itself: inputs of 3×3 convolutions
 * (`window`), keys and values of self-attention (`attended`), moments of group norm. `name` is the name of both the
 * input and the output.
 */
export type Feature = RowFeature | MomentsFeature;

/** Rows [B, N, channels] of a level. */
export type RowFeature = WindowFeature | AttendedFeature;

export interface WindowFeature {
  kind: 'window';
  name: string;
  level: number;
  channels: number;
  /** Where the rows that read it are: at the same level, the next coarser one (`down`) or the next finer one (`up`). */
  reader: WindowReader;
}
export type WindowReader = 'same' | 'down' | 'up';

export interface AttendedFeature {
  kind: 'attended';
  name: string;
  level: number;
  /** See `FeatureMap.levels`. */
  levels?: number;
  channels: number;
}

/** Means, then means of squares, of each group: [2B, groups]; the resulting `scale` and `offset`: [B, channels]. */
export interface MomentsFeature {
  kind: 'moments';
  name: string;
  scale: string;
  offset: string;
  level: number;
  groups: number;
  channels: number;
  epsilon: number;
}

/**
 * How rows are recorded: as float32, or as bytes −127 … 127. In bytes a window has a scale for each row [B, N]; keys
 * and values have one for each channel [C], applied to the query and to the result of attention instead of to each key
 * and value. Moments are always float32.
 */
export type Storage = 'float32' | 'int8';

/**
 * The same for rows that stay on a device: as float32, in half precision, or as bytes 1 … 255, which are 128 more than
 * the value, with a scale for each row [B, N, 1] of windows, keys and values alike. Devices have no signed bytes.
 * `nibbles`: both halves of guidance in one byte [1, N, C], see `lowering/nibbles.ts`; with a scale for each row [2, N, 1]
 * and the mean and the deviation of each channel [2, 1, C].
 */
export type DeviceStorage = 'float32' | 'float16' | 'uint8' | 'nibbles';

/** The tensors with a feature's rows on a device. */
export function deviceTensors({ name }: Pick<RowFeature, 'name'>, storage: RowStorage): string[] {
  return storage === 'uint8' || storage === 'nibbles' ? [name, scaleName(name)] : [name];
}

/** Tensors with what the values of each channel are relative to. */
export const centreName = (name: string) => `${name}.centre`;
export const spreadName = (name: string) => `${name}.spread`;

/** Of a network's rows form: `int8` in main memory, the others on a device. */
export type RowStorage = Storage | DeviceStorage;

/** Input: the number of a level's active rows, from the first, that are keys. */
export function keyCountName(level: number): string {
  return `keys.count.${level}`;
}

/** Input: for each image, the row from which on a level's fresh keys and values are written. */
export function keysFromName(level: number): string {
  return `keys.from.${level}`;
}

/**
 * Which statistics the group norms of a compiled network use. `any`: those of this pass or recorded ones, chosen by the
 * inputs of each run; `recorded`: recorded ones; `composed`: those of the whole image as it is after this pass, from
 * the pass's own rows and the recorded ones of all others; `bands`: those of this pass's band combined with given ones;
 * `fresh`: those of this pass. A `fresh` network computes whole images and has no features as inputs or outputs,
 * because ONNX Runtime keeps every output until a run ends: half a gigabyte for Stable Diffusion 1.5 at 512×512.
 */
export type NormStatistics = 'any' | 'fresh' | 'recorded' | 'composed' | 'bands';

/** Tensor with the scales of rows stored as bytes. */
export function scaleName(name: string): string {
  return `${name}.scale`;
}

/**
 * Input: the weight of a pass's own statistics at a level, 1 / rows, or 0 to use recorded ones; for bands the weight of
 * each.
 */
export function freshName(level: number): string {
  return `fresh.${level}`;
}

/** Input: the weight of each row in the means of each band of a level, or of the whole level. */
export function shareName(level: number): string {
  return `share.${level}`;
}

/** Input: neighbour indexes into a window of `level`; with `parity`, those of one parity class of upsampled rows. */
export function indexName(reader: WindowReader, level: number, parity?: number): string {
  const name = `${reader}.${reader === 'up' ? level - 1 : level}`;
  return parity === undefined ? name : `${name}.${parity}`;
}

/** Input: where a level's active rows are in the rectangle that its convolutions compute. */
export function insideName(level: number): string {
  return `inside.${level}`;
}

/** Every feature of a network, in the order of computation. */
export function featuresOf(network: Network): Feature[] {
  return network.operators.flatMap((operator): Feature[] => {
    if (operator.type === 'convolution') return [windowOf(operator)];
    if (operator.type === 'group-norm') return [momentsOf(operator)];
    return operator.type === 'attention' && isSelfAttention(operator) ? attendedOf(operator) : [];
  });
}

export function windowOf({ weight, input, stride, upsample }: Convolution): WindowFeature {
  const reader = upsample ? 'up' : stride === 2 ? 'down' : 'same';
  return {
    kind: 'window',
    name: `window.${weight.name}`,
    level: input.level,
    channels: input.channels,
    reader,
  };
}

export function momentsOf({ gain, input, groups, epsilon }: GroupNorm): MomentsFeature {
  const { level, channels } = input;
  const named = (what: string) => `${what}.${gain.name}`;
  const names = { name: named('moments'), scale: named('scale'), offset: named('offset') };
  return { kind: 'moments', ...names, level, groups, channels, epsilon };
}

/** Composed statistics: the moments of all norms side by side, [2B, 1, groups of all]. */
export const MOMENTS = 'moments';

/** Composed statistics: the means within each row of a level, [2B, N, groups]. Their means are the moments. */
export function partsName(level: number): string {
  return `parts.${level}`;
}

/** The norms of a level, whose groups lie side by side from `from` on in the moments of all norms. */
export interface NormsOfLevel {
  readonly level: number;
  readonly from: number;
  /** Groups of all of them. */
  readonly groups: number;
  /** In the order of computation. */
  readonly norms: readonly MomentsFeature[];
}

/** The order of norms in composed moments: level by level. */
export function normsByLevel(features: readonly Feature[]): NormsOfLevel[] {
  const all = features.filter((feature) => feature.kind === 'moments');
  const levels: NormsOfLevel[] = [];
  for (let level = 0, from = 0; level < levelCount(features); level++) {
    const norms = all.filter((norm) => norm.level === level);
    const groups = norms.reduce((sum, norm) => sum + norm.groups, 0);
    if (groups > 0) levels.push({ level, from, groups, norms });
    from += groups;
  }
  return levels;
}

/** Keys, then values. */
export function attendedOf({ path, key, value }: Attention): AttendedFeature[] {
  const level = levelOf(key);
  if (level === undefined) throw new Error(`${path} attends to no map`);
  const place = { kind: 'attended', level, ...(key.levels && { levels: key.levels }) } as const;
  return [
    { ...place, name: `keys.${path}`, channels: key.channels },
    { ...place, name: `values.${path}`, channels: value.channels },
  ];
}

/** Whether the image attends to itself, alone or in one sequence with the text. */
export function isSelfAttention({ key }: Attention): boolean {
  return levelOf(key) !== undefined;
}

/** Level of the image's part. */
function levelOf(value: Attention['key']): number | undefined {
  return value.kind === 'map' ? value.level : value.image;
}

/** Number of levels with features: 0, the finest, … count − 1. */
export function levelCount(features: readonly Feature[]): number {
  const last = (feature: Feature) => feature.level + ('levels' in feature ? (feature.levels ?? 1) : 1) - 1;
  return 1 + Math.max(0, ...features.map(last));
}
