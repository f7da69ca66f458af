import type { Network } from '../graph/network.ts';
import type { Tensor } from '../graph/tensor.ts';
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
  depth?: Depth;
}

/**
 * How far into the network a run goes, where steps share deep features: a full run that gives them, or one of the
 * finest part that takes them.
 */
export type Depth = 'giving' | 'shallow';

/** The masked positions and a ring around them; features of the others are recorded ones. */
export interface Region {
  of: 'region';
  /** At latent size. */
  mask: Mask;
  /** Positions around the mask that are computed too; see `ringsOf`. */
  ring: number;
  depth?: Depth;
}

export interface Prediction {
  /** The guided output, in the shape of the sample. */
  output: Float32Array;
  /**
   * When recording: the features that later runs over a region read. For a region: its fresh features, see `updated`.
   */
  features?: Features;
  /** The deep features at the plan's positions, one image of the batch after the other; for plans of depth `giving`. */
  deep?: Tensor & { type: 'float32' };
}

export interface PredictOptions {
  /** Recorded features, which a region reads. */
  seen?: Features;
  /** Also returns the features of this run. */
  record?: boolean;
  /** For a shallow plan. */
  deep?: Tensor;
}

/**
 * The network that predicts noise, whatever its architecture. Latents and conditions go by role, and features are
 * opaque: only the denoiser that recorded them looks inside.
 */
export interface Denoiser {
  /** Positions around a mask that an edit computes beside it, unless the user says otherwise. */
  readonly ring: number;
  /** Whether steps can share deep features. */
  readonly reuses: boolean;
  /** What a shallow run computes, where steps can share deep features. */
  readonly shallow?: Network;
  /** Prepares a run, and loads the form of the network that it needs. `batch`: see `batchOf`. */
  plan(what: Whole | Region, batch: number): Promise<Plan>;
  predict(
    plan: Plan,
    sample: Float32Array,
    timestep: number,
    condition: Condition,
    options?: PredictOptions,
  ): Promise<Prediction>;
  /**
   * The recorded features, with a region's fresh ones in place. Undefined where their error could grow with further
   * edits, which then record again.
   */
  updated(seen: Features, plan: Plan, fresh: Features): Features | undefined | Promise<Features | undefined>;
  /**
   * Loads what makes later edits of images of this latent size faster; called after each edit, when no one waits. After
   * the first one it waits for another, which may never come, unless edits are `expected`.
   */
  settle?(size: { height: number; width: number }, expected?: boolean): Promise<void>;
  /** Multiply–accumulates of one dense run, or of a shallow one. Loads nothing. */
  stepMacs(size: { height: number; width: number }, batch: number, tokens: number, depth?: Depth): number;
  /** Prepares a worker's share of an image. */
  band(what: BandOf, batch: number): Promise<DenoisedBand>;
}
