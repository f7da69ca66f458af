import type { AttendedFeature, Feature, MomentsFeature, WindowFeature } from '../../regions/features.ts';
import { levelCount } from '../../regions/features.ts';
import type { Mask } from '../../regions/mask.ts';
import { planLevels, type RegionPlan } from '../../regions/plan.ts';
import { neighboursOf } from '../unet/feeds.ts';
import { type Bands, bandCount, bandMasks } from './bands.ts';

/** The rows that one band reads from the others after each step, and those that they read from it. */
export interface Exchange {
  readonly index: number;
  /** Number of bands. */
  readonly count: number;
  readonly plan: RegionPlan;
  /** Halo rows: only from neighbours, and only those that are read. */
  readonly windows: readonly WindowExchange[];
  /** Keys and values: of all rows, for all bands. */
  readonly attended: readonly AttendedFeature[];
  /** Statistics of each band's rows, for all bands. */
  readonly moments: readonly MomentsFeature[];
  /** For each level: the other bands' store rows, band by band, and how many each band has. */
  readonly others: readonly { rows: Int32Array; counts: readonly number[] }[];
}

export interface WindowExchange {
  readonly feature: WindowFeature;
  /** Store rows of the halo. Rows that no band computes are recorded ones. */
  readonly halo: Int32Array;
  /** For each band: the halo rows that come from it, as indexes into `halo`, in the order of transmission. */
  readonly taken: readonly Int32Array[];
  /** For each band: the active rows of this band that it reads, in the same order. */
  readonly given: readonly Int32Array[];
}

/**
 * Derives the exchange of band `index` for a network with these features. `active`: the active positions of each level,
 * if not all are computed.
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
  /** For each level, by store row: the band that computes it, and its index among that band's active rows. */
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
