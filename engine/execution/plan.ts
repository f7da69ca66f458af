import type { Mask } from '../regions/mask.ts';

/** What a plan computes. */
export interface Computed {
  /** Share of the positions, level by level from the finest; empty where everything is computed. */
  fractions: number[];
  /** The same as masks. */
  masks: Mask[];
}

/** A part of a picture's latents that is computed, made ready. */
export interface Plan {
  /**
   * The positions that samples and outputs of this plan consist of, in this order: [C, n] planes of n positions.
   * Undefined: all, row by row, so that a sample is [C, h, w].
   */
  readonly positions: Int32Array | undefined;
  readonly computed: Computed;
  /** Multiply–accumulates of some runs for a text of some tokens; what depends on the text alone counts once. */
  macs(tokens: number, runs?: number): number;
}
