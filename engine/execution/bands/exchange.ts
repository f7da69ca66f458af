import type { AttendedFeature, Feature, MomentsFeature, WindowFeature } from '../../regions/features.ts';
import { levelCount } from '../../regions/features.ts';
import type { Mask } from '../../regions/mask.ts';
import { planLevels, type RegionPlan } from '../../regions/plan.ts';
import { neighboursOf } from '../unet/feeds.ts';
import { type Bands, bandCount, bandMasks } from './bands.ts';

/** What one band of a picture, or of its active positions, reads of the others after each step, and gives them. */
export interface Exchange {
  readonly index: number;
  /** How many bands there are. */
  readonly count: number;
  readonly plan: RegionPlan;
  /** Halo rows: from neighbours only, and only those that are read. */
  readonly windows: readonly WindowExchange[];
  /** Keys and values: of all rows, for everybody. */
  readonly attended: readonly AttendedFeature[];
  /** Statistics of each band's rows, for everybody. */
  readonly moments: readonly MomentsFeature[];
  /** Of each level: the other bands' store rows, band after band, and how many are each band's. */
  readonly others: readonly { rows: Int32Array; counts: readonly number[] }[];
}

export interface WindowExchange {
  readonly feature: WindowFeature;
  /** Store rows of the halo; those that no band computes are recorded ones. */
  readonly halo: Int32Array;
  /** For each band: which of its active rows this band reads, as rows of `halo`; in the order in which they come. */
  readonly taken: readonly Int32Array[];
  /** For each band: which of this band's active rows it reads, in the same order. */
  readonly given: readonly Int32Array[];
}

/**
 * Works out the exchange of band `index` for a network with these features. `active`: of each level, where not all
 * positions are computed.
 */
export function planExchange(
  features: readonly Feature[],
  bands: Bands,
  index: number,
  active?: readonly Mask[],
): Exchange {
  const count = bandCount(bands);
  const plans = Array.from({ length: count }, (_, k) => planLevels(bandMasks(bands, k, active)));
  const plan = plans[index]!;
  /** Of each level, by store row: the band that computes it, and which of its active rows it is. */
  const places = Array.from({ length: levelCount(features) }, (_, level) => {
    const size = plan.levels[level]!.height * plan.levels[level]!.width;
    const band = new Int32Array(size).fill(-1);
    const row = new Int32Array(size);
    for (const [k, other] of plans.entries())
      for (const [i, stored] of other.levels[level]!.stored.entries()) {
        band[stored] = k;
        row[stored] = i;
      }
    return { band, row };
  });
  const windows = features
    .filter((feature) => feature.kind === 'window')
    .map((feature): WindowExchange => {
      const place = places[feature.level]!;
      const haloOf = (k: number) => neighboursOf(plans[k]!, feature.reader, feature.level).halo;
      const halo = haloOf(index);
      const rows = Array.from(halo.keys());
      return {
        feature,
        halo,
        taken: plans.map((_, k) => Int32Array.from(rows.filter((i) => place.band[halo[i]!] === k))),
        given: plans.map((_, k) =>
          haloOf(k)
            .filter((stored) => place.band[stored] === index)
            .map((stored) => place.row[stored]!),
        ),
      };
    });
  const others = plan.levels.map((_, level) => {
    const rows = plans.map((other, k) => (k === index ? new Int32Array() : other.levels[level]!.stored));
    return {
      rows: Int32Array.from(rows.flatMap((part) => [...part])),
      counts: rows.map((part) => part.length),
    };
  });
  return {
    index,
    count,
    plan,
    windows,
    attended: features.filter((feature) => feature.kind === 'attended'),
    moments: features.filter((feature) => feature.kind === 'moments'),
    others,
  };
}
