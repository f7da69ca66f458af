import type { Coding } from '../../../shared/api.ts';
import type { Mask } from '../../regions/mask.ts';
import type { Features } from '../../regions/store.ts';
import type { Condition } from '../condition.ts';
import type { Plan } from '../plan.ts';
import type { Bands } from './bands.ts';
import type { Mailbox } from './mailbox.ts';

/**
 * What a band sees of the others. `displaced`: their features of the step before (Li et al., DistriFusion, CVPR 2024);
 * `naive`: nothing, as if it were a picture of its own.
 */
export const PATCH_MODES = ['displaced', 'naive'] as const;
export type PatchMode = (typeof PATCH_MODES)[number];

/** One band of a picture, or of the positions that an edit computes. */
export interface BandOf {
  bands: Bands;
  index: number;
  mode: PatchMode;
  coding: Coding;
  /** Of an edit; see `Region`. */
  edit?: { mask: Mask; ring: number };
}

export interface BandStep {
  /** `dense`: every band is computed, which needs nothing of the other workers; `band`: this one. */
  kind: 'dense' | 'band';
  /** Counts up by one within a picture. */
  step: number;
  /** The whole scaled sample [C, h, w]. */
  sample: Float32Array;
  timestep: number;
  condition: Condition;
  /** Of an edit: features of the picture's own process at this step. */
  seen?: Features;
}

export interface BandOutput {
  /** Rows of this band for each branch of guidance, [B, rows, C], in the order of a region plan's rows. */
  output: Float32Array;
  /** Time in the network. */
  runSeconds: number;
  /** Of an edit that this worker computes alone: what it computed anew. */
  features?: Features;
}

/** A band made ready on one worker. */
export interface DenoisedBand {
  /** The plan of a step over all bands, for `Denoiser.updated`. */
  readonly whole: Plan;
  /** Takes from the mailbox what other bands gave of the last step, and gives what they need of this one. */
  step(call: BandStep, mailbox: Mailbox): Promise<BandOutput>;
}
