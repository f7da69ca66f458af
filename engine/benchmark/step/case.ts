import type { Arithmetic, Coding, WorkerReport } from '../../../shared/api.ts';
import type { Components } from '../../execution/components.ts';
import type { MacCount } from '../../graph/macs.ts';
import type { OpenCrew } from '../../parallel/job.ts';
import type { Mask } from '../../regions/mask.ts';
import type { NamedCase } from '../variants.ts';
import type { StepInputs } from './inputs.ts';

export interface StepSettings {
  /** For a case that takes one, at latent size. */
  mask?: Mask;
  arithmetic: Arithmetic;
  workers: number;
  /** Workers of their own for a case, where there can be any; `threads` is the share of each, if it was asked for. */
  openCrew?: OpenCrew;
  threads?: number;
  /** How features travel between them. */
  coding?: Coding;
}

/** A way to compute one U-Net run. Add a case as a file in `cases` and name it in `cases/index.ts`. */
export interface StepCase extends NamedCase {
  prepare(components: Components, inputs: StepInputs, settings: StepSettings): Promise<StepRun>;
}

/** One U-Net run, made ready: what it costs, and how to do it again. */
export interface StepRun {
  macs: MacCount;
  loadSeconds: number;
  /** Bytes of recorded features that the run reads from; 0 for a dense one. */
  storeBytes: number;
  /** Share of the positions that are computed, level by level. */
  activeFraction: number[];
  /** Latents → output, both [C, h, w]. */
  run(sample: Float32Array): Promise<Float32Array>;
  /** What each worker does, where several share the run. */
  parts?: () => WorkerReport[];
  /** Ends what the run holds beside the components. */
  release?: () => Promise<void>;
}
