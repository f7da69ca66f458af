import type { Arithmetic, Coding, WorkerReport } from '../../../shared/api.ts';
import type { Components } from '../../execution/components.ts';
import type { MacCount } from '../../graph/macs.ts';
import type { OpenCrew } from '../../parallel/job.ts';
import type { Mask } from '../../regions/mask.ts';
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
  macs: MacCount;
  loadSeconds: number;
  /** Size of the recorded features that the run reads, in bytes; 0 if dense. */
  storeBytes: number;
  /** Share of computed positions for each level. */
  activeFraction: number[];
  /** Latents → output, both [C, h, w]. */
  run(sample: Float32Array): Promise<Float32Array>;
  /** Each worker's share, if several compute the run. */
  parts?: () => WorkerReport[];
  /** Releases what the run holds besides the components. */
  release?: () => Promise<void>;
}
