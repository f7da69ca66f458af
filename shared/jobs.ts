/** Work of the engine that takes a while: what runs and what waits. */
import type { EditProgress, UpscaleProgress } from './api.ts';

export interface RunState extends Pick<EditProgress, 'step' | 'steps'> {
  /** `wait` until the engine reports; `benchmark` for all stages of one, with its rounds as steps. */
  stage: EditProgress['stage'] | UpscaleProgress['stage'] | 'wait' | 'benchmark';
  cancelling: boolean;
  /** Jobs that are done before it. */
  ahead?: number;
  /** Approximate seconds that are left, if they can be predicted. */
  remaining?: number;
  /** Approximate seconds of this stage that are left, where those of the whole run are not known. */
  stageRemaining?: number;
}

export type JobKind = 'generate' | 'edit' | 'upscale' | 'benchmark';

/** Whether a run's steps are those that take its time: only then they say how far it is. */
export function isCounting({ stage }: Pick<RunState, 'stage'>): boolean {
  return stage === 'denoise' || stage === 'record' || stage === 'upscale';
}

/** Whether a run has not begun to use the engine. */
export function isWaiting({ stage }: Pick<RunState, 'stage'>): boolean {
  return stage === 'wait' || stage === 'try' || stage === 'turn';
}

/** Whether a stage is done once for a model and counts its own steps, while the run's time is not known yet. */
export function isPreparing({ stage }: Pick<RunState, 'stage'>): boolean {
  return stage === 'merge' || stage === 'calibrate' || stage === 'quantize';
}

export interface Job {
  id: string;
  kind: JobKind;
  /** The prompt, or what is done. */
  title: string;
  /** Id shared by images of one request. */
  batch?: string;
  running: boolean;
  /** For a waiting job, `remaining` is its own duration. */
  run: RunState;
}

/** A run that a reload of the window or a crash has cut off. */
export interface InterruptedRun {
  id: string;
  prompt: string;
}

/** Seconds until all of these are done; undefined if one of them cannot be predicted. */
export function totalRemaining(jobs: readonly Pick<Job, 'run'>[]): number | undefined {
  let total = 0;
  for (const { run } of jobs) {
    if (run.remaining === undefined) return undefined;
    total += run.remaining;
  }
  return total;
}
