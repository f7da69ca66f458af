import type { Coding } from '../../../shared/api.ts';
import type { Mask } from '../../regions/mask.ts';
import type { Features } from '../../regions/store.ts';
import type { Condition } from '../condition.ts';
import type { Plan } from '../plan.ts';
import type { Bands } from './bands.ts';
import type { Mailbox } from './mailbox.ts';

/**
 * What a band reads of the others. `displaced`: their features of the step before (Li et al., DistriFusion, CVPR 2024);
 * `naive`: nothing, as if it were an image of its own.
 */
export const PATCH_MODES = ['displaced', 'naive'] as const;
export type PatchMode = (typeof PATCH_MODES)[number];

/** One band of an image, or of the positions that an edit computes. */
export interface BandOf {
  bands: Bands;
  index: number;
  mode: PatchMode;
  coding: Coding;
  /** Whether some steps reuse the deep features of those before them. */
  shallow?: boolean;
  /** For an edit; see `Region`. */
  edit?: { mask: Mask; ring: number };
}

export interface BandStep {
  /** `dense` computes every band and needs nothing from other workers; `band` computes this one. */
  kind: 'dense' | 'band';
  /** Computes the finest part of the network only, with the deep features of the last full step. */
  shallow?: boolean;
  /** Number of the step within an image. */
  step: number;
  /** The whole scaled sample [C, h, w]. */
  sample: Float32Array;
  timestep: number;
  condition: Condition;
  /** For an edit: features of the original image at this step. */
  seen?: Features;
}

export interface BandOutput {
  /** Rows of this band for each branch of guidance, [B, rows, C], in the order of a region plan's rows. */
  output: Float32Array;
  /** Time in the network. */
  runSeconds: number;
  /** For an edit that this worker computes alone: the fresh features. */
  features?: Features;
}

/** A band prepared on one worker. */
export interface DenoisedBand {
  /** The plan of a step over all bands, for `Denoiser.updated`. */
  readonly whole: Plan;
  /** Fetches the other bands' features of the last step, and posts those that they need of this one. */
  step(call: BandStep, mailbox: Mailbox): Promise<BandOutput>;
}
