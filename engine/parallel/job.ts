import type { Coding, Precision } from '../../shared/api.ts';
import type { PatchMode } from '../execution/bands/band-of.ts';
import type { Bands } from '../execution/bands/bands.ts';
import type { Condition } from '../execution/condition.ts';
import type { Mask } from '../regions/mask.ts';

/** One worker's part in a picture. */
export interface Job {
  /** Tells this job's messages from those of any other. */
  id: string;
  /** The model's `id`. */
  model: string;
  precision: Precision;
  /** What the U-Net is told, of the branches of guidance that this worker computes. */
  condition: Condition;
  /** Channels of the latents. */
  channels: number;
  bands: Bands;
  /** This worker's band. */
  index: number;
  mode: PatchMode;
  coding: Coding;
  /** Of an edit: the bands are of the positions that it computes. */
  edit?: EditJob;
}

/** What a worker needs to compute some positions of a picture with the features of its own process around them. */
interface EditJob {
  /** Names the picture's process, whose features the worker keeps for later edits of it. */
  picture: string;
  /** What the picture's own passes are told, of this worker's branches. */
  condition: Condition;
  /** At latent size: the positions that are computed. */
  mask: Mask;
  /** See `planRegion`. */
  ring: number;
}

/** One step of a job. */
export interface StepCall {
  job: string;
  /** Counts up by one within a job. */
  step: number;
  timestep: number;
  /** `dense`: compute every band, which needs nothing of the other workers; `band`: this worker's. */
  kind: 'dense' | 'band';
  /** The whole scaled sample, planes [C, h, w]. */
  sample: Float32Array;
  /** Of an edit: the picture's own process at this step, to be recorded where it is not yet. */
  own?: Float32Array;
}

export interface StepAnswer {
  /** Rows of this worker's band for each of its branches, [B, rows, C], in the order of a region plan's rows. */
  output: Float32Array;
  /** Time in the network and in all, exchanging features included. */
  runSeconds: number;
  seconds: number;
  /** Bytes given to and taken from other workers. */
  sentBytes: number;
  receivedBytes: number;
  /** Of an edit: what recording the picture's own features took; 0 where they were known. */
  recordSeconds: number;
}

/** A worker as the one who hands out the work sees it. */
export interface Member {
  readonly name: string;
  /** Prepares for a job's steps; the model is loaded unless it is loaded already. Gives the seconds that took. */
  begin(job: Job): Promise<number>;
  step(call: StepCall): Promise<StepAnswer>;
  /** Keeps the features of a finished edit, which this worker computed alone, as those of the picture that came of it. */
  keep(job: string, picture: string): Promise<void>;
  /** The job is over, or given up. */
  end(job: string): Promise<void>;
  /** Gives the worker up: it has stalled, or is not needed any more. */
  dismiss(): Promise<void>;
}

/** A worker is gone, so its part must be done by others. */
export class MemberLostError extends Error {
  override name = 'MemberLostError';
}

/** What reaches all workers is gone: none of them is to blame, and none can go on. */
export class CrewLostError extends Error {
  override name = 'CrewLostError';
}

/** Opens a crew, on this machine or at a bus. */
export type OpenCrew = () => Crew | Promise<Crew>;

/** Where an engine finds workers. */
export interface Crew {
  /** Whether all workers are equally fast, so that bands need not follow measurements and pictures can be repeated. */
  readonly alike: boolean;
  /** Workers that are ready for jobs of a model: at most `count`, fewer where no more can be had. */
  members(count: number, threads: number | undefined, model: string): Promise<Member[]>;
  dispose(): Promise<void>;
}
