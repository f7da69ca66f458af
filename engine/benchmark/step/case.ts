import type { Arithmetic, Coding, WorkerReport } from '../../../shared/api.ts';
import type { Components } from '../../execution/components.ts';
import type { OpenCrew } from '../../parallel/job.ts';
import type { Mask } from '../../regions/mask.ts';
import type { Cost } from '../trial.ts';
import type { NamedCase } from '../variants.ts';
import type { StepInputs } from './inputs.ts';

export interface StepSettings {
  /** Mask at latent size, for cases that take one. */
  mask?: Mask;
  arithmetic: Arithmetic;
  workers: number;
  /** Opens workers for the case, if the host has any; `threads` is the number for each worker, if requested. */
  openCrew?: OpenCrew;
  threads?: number;
  /** Encoding of features between them. */
  coding?: Coding;
}

/** A way to compute one U-Net run. Add a case as a file in `cases` and name it in `cases/index.ts`. */
export interface StepCase extends NamedCase {
  prepare(components: Components, inputs: StepInputs, settings: StepSettings): Promise<StepRun>;
}

/** A prepared denoiser run, with its cost. */
export interface StepRun {
  cost: Cost;
  loadSeconds: number;
  /** Latents → output, both [C, h, w]. */
  run(sample: Float32Array): Promise<Float32Array>;
  /** Each worker's share, if several compute the run. */
  parts?: () => WorkerReport[];
  /** Releases what the run holds besides the components. */
  release?: () => Promise<void>;
}
