import type { Mask } from '../regions/mask.ts';
import type { Features } from '../regions/store.ts';
import type { BandOf, DenoisedBand } from './bands/band-of.ts';
import type { Condition } from './condition.ts';
import type { Plan } from './plan.ts';

/** The whole image; with `records` in a form that can output its features. */
export interface Whole {
  of: 'whole';
  /** Latent size. */
  height: number;
  width: number;
  records?: boolean;
}

/** The masked positions and a ring around them; features of the others are recorded ones. */
export interface Region {
  of: 'region';
  /** At latent size. */
  mask: Mask;
  /** Positions around the mask that are computed too; see `planRegion`. */
  ring: number;
}

export interface Prediction {
  /** The guided output, in the shape of the sample. */
  output: Float32Array;
  /** When recording: the features that later runs over a region read. For a region: its fresh features, see `updated`. */
  features?: Features;
}

export interface PredictOptions {
  /** Recorded features, which a region reads. */
  seen?: Features;
  /** Also returns the features of this run. */
  record?: boolean;
}

/**
 * The network that predicts noise, whatever its architecture. Latents and conditions go by role, and features are
 * opaque: only the denoiser that recorded them looks inside.
 */
export interface Denoiser {
  /** Positions around a mask that an edit computes beside it, unless the user says otherwise. */
  readonly ring: number;
  /** Prepares a run, and loads the form of the network that it needs. `batch`: see `batchOf`. */
  plan(what: Whole | Region, batch: number): Promise<Plan>;
  predict(
    plan: Plan,
    sample: Float32Array,
    timestep: number,
    condition: Condition,
    options?: PredictOptions,
  ): Promise<Prediction>;
  /** The recorded features, with a region's fresh ones in place. */
  updated(seen: Features, plan: Plan, fresh: Features): Features | Promise<Features>;
  /** Multiply–accumulates of one dense run. Loads nothing. */
  stepMacs(size: { height: number; width: number }, batch: number, tokens: number): number;
  /** Prepares a worker's share of an image. */
  band(what: BandOf, batch: number): Promise<DenoisedBand>;
}
