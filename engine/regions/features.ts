import type { Network } from '../graph/network.ts';
import type { Attention, Convolution, GroupNorm } from '../graph/operators.ts';

/**
 * What a network in rows form reads of an earlier pass, and gives of its own: the inputs of 3×3 convolutions
 * (`window`), keys and values of self-attention (`attended`), moments of group norm. `name` is the tensor's name on
 * both sides.
 */
export type Feature = RowFeature | MomentsFeature;

/** Rows [B, N, channels] of a level. */
export type RowFeature = WindowFeature | AttendedFeature;

export interface WindowFeature {
  kind: 'window';
  name: string;
  level: number;
  channels: number;
  /** The rows that read it: at the same level, one level further down, or one further up. */
  reader: WindowReader;
}
export type WindowReader = 'same' | 'down' | 'up';

export interface AttendedFeature {
  kind: 'attended';
  name: string;
  level: number;
  channels: number;
}

/** Means, then means of squares, of each group: [2B, groups]; `scale` and `offset` that come of them: [B, channels]. */
export interface MomentsFeature {
  kind: 'moments';
  name: string;
  scale: string;
  offset: string;
  level: number;
  groups: number;
  channels: number;
}

/**
 * How rows are recorded: as they are, or as bytes −127 … 127, a window with one scale a row [B, N], keys and values
 * with one a channel [C], by which the query and the result of attention are multiplied instead of each key and value.
 * Moments are always float32.
 */
export type Storage = 'float32' | 'int8';

/** The input that says how many of a level's active rows, from the first, are keys. */
export function keysName(level: number): string {
  return `keys.count.${level}`;
}

/** The input that says from which row on there is room for a level's fresh keys and values, for each picture. */
export function keysFromName(level: number): string {
  return `keys.from.${level}`;
}

/**
 * Which statistics a network's group norms can use: of this pass or recorded as each run's inputs say, or recorded; or
 * those of bands of the picture, this pass's with given ones. With `fresh`, of this pass only, the network computes
 * whole pictures, and neither reads features nor gives them: ONNX Runtime keeps every output until a run ends, which for
 * Stable Diffusion 1.5 at 512×512 is half a gigabyte.
 */
export type Statistics = 'any' | 'fresh' | 'recorded' | 'bands';

/** The tensor that holds the scales of rows stored as bytes. */
export function scaleName(name: string): string {
  return `${name}.scale`;
}

/**
 * The input that says how much of its own statistics a pass uses at a level: 1 / rows, or 0 for recorded ones; of bands
 * each one's weight.
 */
export function freshName(level: number): string {
  return `fresh.${level}`;
}

/** The input that says how much each row counts in the means of each band of a level. */
export function shareName(level: number): string {
  return `share.${level}`;
}

/** The input of neighbour indexes into a window of `level`; `parity`: of one class of the upsampled rows. */
export function indexName(reader: WindowReader, level: number, parity?: number): string {
  const name = `${reader}.${reader === 'up' ? level - 1 : level}`;
  return parity === undefined ? name : `${name}.${parity}`;
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

export function momentsOf({ gain, input, groups }: GroupNorm): MomentsFeature {
  const { level, channels } = input;
  const named = (what: string) => `${what}.${gain.name}`;
  const names = { name: named('moments'), scale: named('scale'), offset: named('offset') };
  return { kind: 'moments', ...names, level, groups, channels };
}

/** Keys, then values. */
export function attendedOf({ path, key, value }: Attention): AttendedFeature[] {
  if (key.kind !== 'map' || value.kind !== 'map') throw new Error(`${path} attends to no map`);
  return [
    { kind: 'attended', name: `keys.${path}`, level: key.level, channels: key.channels },
    { kind: 'attended', name: `values.${path}`, level: value.level, channels: value.channels },
  ];
}

export function isSelfAttention({ key }: Attention): boolean {
  return key.kind === 'map';
}

/** Levels that a network's features lie on, from the finest: 0 … count − 1. */
export function levelCount(features: readonly Feature[]): number {
  return 1 + Math.max(...features.map(({ level }) => level));
}
