import type { Precision, WorkerReport } from '../../shared/api.ts';
import type { Network } from '../graph/network.ts';
import type { Mask } from '../regions/mask.ts';
import type { Condition } from './condition.ts';
import type { Predict } from './denoise.ts';
import type { LatentDims } from './latents.ts';

/** A picture of which some positions are painted anew. */
export interface EditedPicture {
  /** Names the picture's process; see `Process`. */
  id: string;
  condition: Condition;
  mask: Mask;
  /** See `planRegion`. */
  ring: number;
  /** The scaled sample of the picture's own process at a step, planes [C, h, w]. */
  sampleAt(index: number): Float32Array;
}

/** A picture that several workers are to denoise. */
export interface SharedPicture {
  network: Network;
  precision: Precision;
  condition: Condition;
  timesteps: readonly number[];
  dims: LatentDims;
  edit?: EditedPicture;
  signal?: AbortSignal;
}

/** A picture's steps while workers compute them in place of this process. */
export interface SharedRun {
  readonly predict: Predict;
  report(): WorkerReport[];
  /** The picture is done, or given up. */
  end(): void;
  readonly loadSeconds: number;
  /** Sentences about workers that were lost. */
  readonly notices: readonly string[];
  /** Of an edit: what recording the picture's own features took, at each step where it had to be done; and cost. */
  readonly recordSeconds: number[];
  readonly recordingMacs: number;
  /** Whether workers can keep a finished edit's features. */
  readonly canKeep: boolean;
  /** Has the features of a finished edit kept as those of a picture of this name. */
  keep(picture: string): Promise<void>;
}

/** Hands a picture out to workers, which load the model where it is not; the caller ends the run. */
export type Share = (picture: SharedPicture) => Promise<SharedRun>;
