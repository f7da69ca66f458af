import type { Mask } from '../regions/mask.ts';
import type { Features } from '../regions/store.ts';
import type { BandOf, DenoisedBand } from './bands/band-of.ts';
import type { Condition } from './condition.ts';
import type { Plan } from './plan.ts';

/** Everything; `records`: in a form that can also give its features. */
export interface Whole {
  of: 'whole';
  /** Latent size. */
  height: number;
  width: number;
  records?: boolean;
}

/** The masked positions and a ring around them, with recorded features of the others. */
export interface Region {
  of: 'region';
  /** At latent size. */
  mask: Mask;
  /** Positions around the mask that are computed with it; see `planRegion`. */
  ring: number;
}

export interface Prediction {
  /** The guided output, shaped as the sample. */
  output: Float32Array;
  /** Of a run that records: what later runs over a part read. Of a region: what it computed anew; see `updated`. */
  features?: Features;
}

export interface PredictOptions {
  /** What was recorded; a region reads it. */
  seen?: Features;
  /** Also give the features of this run. */
  record?: boolean;
}

/**
 * The network that takes noise off latents, whatever its kind: a U-Net today. Latents and conditions go by role, and
 * features are opaque: only the denoiser that made them looks inside.
 */
export interface Denoiser {
  /** Loads the form of the network that this takes, unless it is loaded. `batch`: see `batchOf`. */
  plan(what: Whole | Region, batch: number): Promise<Plan>;
  predict(
    plan: Plan,
    sample: Float32Array,
    timestep: number,
    condition: Condition,
    options?: PredictOptions,
  ): Promise<Prediction>;
  /** What was recorded, with what a region has computed anew. */
  updated(seen: Features, plan: Plan, fresh: Features): Features;
  /** Multiply–accumulates of one run over everything, which need not be loaded for it. */
  stepMacs(size: { height: number; width: number }, batch: number, tokens: number): number;
  /** A worker's share of a picture. */
  band(what: BandOf, batch: number): Promise<DenoisedBand>;
}
