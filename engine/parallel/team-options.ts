import type { Coding, ParallelMode, Split } from '../../shared/api.ts';

/** How a team shares an image. */
export interface TeamOptions {
  mode: ParallelMode;
  /** Dense steps at the start of an image. */
  warmUp: number;
  coding: Coding;
  split: Split;
  /** Whether workers are equally fast. Otherwise the first dense step is timed, and bands are cut again if speeds differ. */
  equallyFast: boolean;
  /** Seconds that a step may take before a worker counts as stalled; more where steps have been slow before. */
  patience: number;
  /** The same for preparing a job: the model is loaded, and may have to be quantized first. */
  beginPatience: number;
}

export const TEAM_DEFAULTS: TeamOptions = {
  mode: 'displaced',
  warmUp: 2,
  coding: 'float32',
  split: 'auto',
  equallyFast: true,
  patience: 60,
  beginPatience: 900,
};
