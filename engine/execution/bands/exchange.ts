import {
  type Feature,
  levelCount,
  type MomentsFeature,
  type RowFeature,
  type WindowFeature,
} from '../../regions/features.ts';
import type { Mask } from '../../regions/mask.ts';
import { planLevels, type RegionPlan } from '../../regions/plan.ts';
import { neighboursOf } from '../unet/feeds.ts';
import { type Bands, bandCount, bandMasks } from './bands.ts';
import type { Recipient } from './mailbox.ts';

/** What one band reads from the others after each step, and what they read from it. */
export interface Exchange {
  readonly index: number;
  /** Number of bands. */
  readonly count: number;
  readonly plan: RegionPlan;
  /** In the order of transmission. */
  readonly sent: readonly SentFeature[];
}

/** A feature whose rows bands give each other: of each image, or of each moment of each image. */
export interface SentFeature {
  readonly feature: Feature;
  /** Rows sent for an image at each place: 1, or 2 of moments, which are means and means of squares. */
  readonly perImage: number;
  /** Numbers in a row. */
  readonly channels: number;
  /** Sent as float32 whatever the coding. */
  readonly isExact: boolean;
  /** The level whose store rows these are. Absent: each band has one row. */
  readonly level?: number;
  /** Places of this band's rows: store rows of the level, or the band's number. */
  readonly own: Int32Array;
  /** Places of the rows that this band reads, in the network's order. Those that no band computes are recorded ones. */
  readonly read: Int32Array;
  /** Rows of zeros that the network takes after them. */
  readonly padding: number;
  /** For each band: the rows of `read` that come from it, in the order of transmission. */
  readonly taken: readonly Int32Array[];
  /** The rows of `own` that others read, in the same order: all of them for all bands, or some for some bands. */
  readonly given: ReadonlyMap<Recipient, Int32Array>;
}

/** The region plan of each band. `active`: the active positions of each level, if not all are computed. */
export function planBands(bands: Bands, active?: readonly Mask[]): RegionPlan[] {
  return Array.from({ length: bandCount(bands) }, (_, k) => planLevels(bandMasks(bands, k, active)));
}

/**
 * Derives the exchange of band `index` for a network with these features: keys, values and moments go to all bands, halo
 * rows to those that read them.
 */
export function planExchange(
  features: readonly Feature[],
  plans: readonly RegionPlan[],
  index: number,
): Exchange {
  const levels = Array.from({ length: levelCount(features) }, (_, level) => rowsOfLevel(plans, index, level));
  const attended = features
    .filter((feature) => feature.kind === 'attended')
    .map((feature): SentFeature => ({ ...rowsOf(feature), ...levels[feature.level]!.forAll }));
  const moments = features
    .filter((feature) => feature.kind === 'moments')
    .map((feature) => momentsOf(feature, index, plans.length));
  const halos = new Map<string, ReturnType<typeof haloRows>>();
  const windows = features
    .filter((feature) => feature.kind === 'window')
    .map((feature): SentFeature => {
      const key = `${feature.reader} ${feature.level}`;
      const rows = halos.get(key) ?? haloRows(plans, index, feature, levels[feature.level]!);
      halos.set(key, rows);
      return { ...rowsOf(feature), ...rows };
    });
  return {
    index,
    count: plans.length,
    plan: plans[index]!,
    sent: [...attended, ...moments, ...windows],
  };
}

/** What bands exchange of a window: only rows beside a border. */
function haloRows(
  plans: readonly RegionPlan[],
  index: number,
  { reader, level }: WindowFeature,
  { places, forAll: { own } }: ReturnType<typeof rowsOfLevel>,
) {
  const haloOf = (k: number) => neighboursOf(plans[k]!, reader, level).halo;
  const read = haloOf(index);
  const taken: number[][] = plans.map(() => []);
  for (const [i, stored] of read.entries()) taken[places.band[stored]!]?.push(i);
  const given = [...plans.keys()].map((k): [number, Int32Array] => {
    const ours = k === index ? new Int32Array() : haloOf(k).filter((stored) => places.band[stored] === index);
    return [k, ours.map((stored) => places.row[stored]!)];
  });
  return {
    own,
    read,
    padding: 1,
    taken: taken.map((rows) => Int32Array.from(rows)),
    given: new Map(given.filter(([, rows]) => rows.length > 0)),
  };
}

function rowsOf(feature: RowFeature) {
  const { channels, level } = feature;
  return { feature, channels, level, perImage: 1, isExact: false };
}

/** Statistics of each band's rows. A band reads its own too. */
function momentsOf(feature: MomentsFeature, index: number, count: number): SentFeature {
  const bands = Int32Array.from({ length: count }, (_, k) => k);
  return {
    feature,
    perImage: 2,
    channels: feature.groups,
    isExact: true,
    own: Int32Array.of(index),
    read: bands,
    padding: 0,
    taken: Array.from(bands, (k) => Int32Array.of(k)),
    given: new Map([['all', Int32Array.of(0)]]),
  };
}

/** Which band has each store row of a level, and what bands exchange if each reads all rows of the others. */
function rowsOfLevel(plans: readonly RegionPlan[], index: number, level: number) {
  const stored = plans.map((plan) => plan.levels[level]!.stored);
  const { height, width } = plans[index]!.levels[level]!;
  /** By store row: the band that computes it, and its index among that band's active rows. */
  const places = { band: new Int32Array(height * width).fill(-1), row: new Int32Array(height * width) };
  for (const [k, rows] of stored.entries())
    for (const [i, row] of rows.entries()) {
      places.band[row] = k;
      places.row[row] = i;
    }
  const own = stored[index]!;
  let next = 0;
  const taken = stored.map((rows, k) =>
    k === index ? new Int32Array() : Int32Array.from(rows, () => next++),
  );
  const read = Int32Array.from(stored.flatMap((rows, k) => (k === index ? [] : [...rows])));
  const given: SentFeature['given'] = new Map([['all', Int32Array.from(own.keys())]]);
  return { places, forAll: { own, read, padding: 0, taken, given } };
}
