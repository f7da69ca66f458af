import type { MacCount } from '../graph/macs.ts';
import type { Mask } from '../regions/mask.ts';

/** What a plan computes. */
export interface Computed {
  /** Share of active positions, level by level from the finest; empty if everything is computed. */
  fractions: number[];
  /** The active positions as masks. */
  masks: Mask[];
}

/** Of a plan that is not of a part. */
export const EVERYTHING: Computed = { fractions: [], masks: [] };

/** A prepared run over an image's latents or a part of them. */
export interface Plan {
  /**
   * The positions in samples and outputs of this plan, in this order: they are [C, n]. If undefined, samples are whole
   * latents [C, h, w].
   */
  readonly positions: Int32Array | undefined;
  readonly computed: Computed;
  /** Multiply–accumulates of one run by kind and level, all of the text included. */
  count(tokens: number): MacCount;
  /** Multiply–accumulates of some runs, for a text of `tokens` tokens. What depends on the text alone counts once. */
  macs(tokens: number, runs?: number): number;
}
