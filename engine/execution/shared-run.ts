import type { Precision, WorkerReport } from '../../shared/api.ts';
import type { StepKind } from '../../shared/stepPlan.ts';
import type { Network } from '../graph/network.ts';
import type { Mask } from '../regions/mask.ts';
import type { Condition } from './condition.ts';
import type { Predict } from './denoise.ts';
import type { LatentDims } from './latents.ts';

/** An image in which some positions are repainted. */
export interface EditedPicture {
  /** Identifies the image's trajectory; see `Trajectory`. */
  id: string;
  condition: Condition;
  mask: Mask;
  /** See `planRegion`. */
  ring: number;
  /** The scaled sample of the original image's trajectory at a step, planes [C, h, w]. */
  sampleAt(index: number): Float32Array;
}

/** An image for several workers to denoise. */
export interface SharedPicture {
  network: Network;
  precision: Precision;
  condition: Condition;
  timesteps: readonly number[];
  dims: LatentDims;
  /** What each step computes, if some only compute the network `shallow`; see `requireShareable`. */
  kinds?: readonly StepKind[];
  shallow?: Network;
  edit?: EditedPicture;
  signal?: AbortSignal;
}

/** The steps of an image that workers compute. */
export interface SharedRun {
  readonly predict: Predict;
  report(): WorkerReport[];
  /** Ends the run, whether or not the image is finished. */
  end(): void;
  readonly loadSeconds: number;
  /** Sentences about lost workers. */
  readonly notices: readonly string[];
  /** For an edit: seconds of each step that had to record features of the original, and their operations. */
  readonly recordSeconds: number[];
  readonly recordingMacs: number;
  /** Whether workers can keep a finished edit's features. */
  readonly canKeep: boolean;
  /** Keeps the features of a finished edit, as those of the image `name`. */
  keep(picture: string): Promise<void>;
}

/** Starts an image on workers, which load the model if needed. The caller ends the run. */
export type Share = (picture: SharedPicture) => Promise<SharedRun>;
