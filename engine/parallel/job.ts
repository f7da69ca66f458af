import type { Coding, Precision } from '../../shared/api.ts';
import type { PatchMode } from '../execution/bands/band-of.ts';
import type { Bands } from '../execution/bands/bands.ts';
import type { Condition } from '../execution/condition.ts';
import type { ModelAdditions } from '../models/additions.ts';
import type { Mask } from '../regions/mask.ts';

/** One worker's share of an image. */
export interface Job {
  /** Unique id, which all messages of the job carry. */
  id: string;
  /** The model's `id`. */
  model: string;
  /** What is added to it: files of the worker's machine. */
  additions?: ModelAdditions;
  /** Its denoiser's files: see `denoiserVersion`. Those of the worker must be the same. */
  version: string;
  precision: Precision;
  /** The denoiser's condition, of the branches of guidance that this worker computes. */
  condition: Condition;
  /** Channels of the latents. */
  channels: number;
  bands: Bands;
  /** This worker's band. */
  index: number;
  mode: PatchMode;
  coding: Coding;
  /** Whether some steps reuse the deep features of those before them. */
  shallow?: boolean;
  /** Set for edits: bands then divide the positions that the edit computes. */
  edit?: EditJob;
}

/** What a worker needs to compute part of an image from the recorded features around it. */
interface EditJob {
  /** Id of the image's process; the worker keeps its features for later edits. */
  picture: string;
  /** The condition of the image's own passes, of this worker's branches. */
  condition: Condition;
  /** Computed positions, at latent size. */
  mask: Mask;
  /** See `planRegion`. */
  ring: number;
}

/** One step of a job. */
export interface StepCall {
  job: string;
  /** Increases by one with each step of a job. */
  step: number;
  timestep: number;
  /** `dense`: compute all bands without other workers' features; `band`: only this worker's band. */
  kind: 'dense' | 'band';
  /** Only the finest part of the network, with the deep features of the last full step. */
  shallow?: boolean;
  /** The whole scaled sample, planes [C, h, w]. */
  sample: Float32Array;
  /** Set for edits: the image's own process at this step, to be recorded if necessary. */
  own?: Float32Array;
}

export interface StepAnswer {
  /** Rows of this worker's band for each of its branches, [B, rows, C], in the order of a region plan's rows. */
  output: Float32Array;
  /** Seconds in the network, and in total including the exchange of features. */
  runSeconds: number;
  seconds: number;
  /** Bytes sent to and received from other workers. */
  sentBytes: number;
  receivedBytes: number;
  /** Set for edits: seconds for recording the image's own features; 0 if they were known. */
  recordSeconds: number;
}

/** A worker as the coordinator sees it. */
export interface Member {
  readonly name: string;
  /** Prepares for a job's steps and loads the model if necessary. Resolves with the seconds it took. */
  begin(job: Job): Promise<number>;
  step(call: StepCall): Promise<StepAnswer>;
  /** Stores the features of a finished edit, which this worker computed alone, as those of the new image. */
  keep(job: string, picture: string): Promise<void>;
  /** Ends the job, whether it is finished or given up. */
  end(job: string): Promise<void>;
  /** Dismisses the worker: it has stalled, or is no longer needed. */
  dismiss(): Promise<void>;
}

/** A worker is lost; others must do its share. */
export class MemberLostError extends Error {
  override name = 'MemberLostError';
}

/** The connection to all workers is lost. No worker is at fault, and none can continue. */
export class CrewLostError extends Error {
  override name = 'CrewLostError';
}

/** Opens a crew, on this machine or at a bus. */
export type OpenCrew = () => Crew | Promise<Crew>;

/** A source of workers for an engine. */
export interface Crew {
  /** Whether all workers are equally fast, so that bands need not follow measurements and pictures can be repeated. */
  readonly equallyFast: boolean;
  /** Whether one of them computes on the device of this engine, if that is a GPU. */
  readonly onDevice?: boolean;
  /** Seconds that a step may take before a worker counts as stalled, if not those of `TEAM_DEFAULTS`. */
  readonly patience?: number;
  /**
   * Workers that are ready for jobs of a model: at most `count`, possibly fewer.
   * @param additions to the model, whose files they must have
   */
  members(
    count: number,
    threads: number | undefined,
    model: string,
    additions?: ModelAdditions,
  ): Promise<Member[]>;
  dispose(): Promise<void>;
}
