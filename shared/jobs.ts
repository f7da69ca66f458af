/** Work of the engine that takes a while: what runs and what waits. */
import type { EditProgress, UpscaleProgress } from './api.ts';

export interface RunState extends Pick<EditProgress, 'step' | 'steps'> {
  /** `wait` until the engine reports; `benchmark` for all stages of one, with its rounds as steps. */
  stage: EditProgress['stage'] | UpscaleProgress['stage'] | 'wait' | 'benchmark';
  cancelling: boolean;
  /** Jobs that are done before it. */
  ahead?: number;
  /** Seconds that are left, about, where they can be told. */
  remaining?: number;
}

export type JobKind = 'generate' | 'edit' | 'upscale' | 'benchmark';

/** Whether a run's steps are those that take its time: only then they say how far it is. */
export function isCounting({ stage }: Pick<RunState, 'stage'>): boolean {
  return stage === 'denoise' || stage === 'record' || stage === 'upscale';
}

export interface Job {
  id: string;
  kind: JobKind;
  /** The prompt, or what is done. */
  title: string;
  /** Of images that were asked for together. */
  batch?: string;
  running: boolean;
  /** Of one that waits, `remaining` is what it takes by itself. */
  run: RunState;
}

/** A run that a reload of the window or a crash has cut off. */
export interface InterruptedRun {
  id: string;
  prompt: string;
}

/** Seconds until all of these are done; undefined if one of them cannot be told. */
export function totalRemaining(jobs: readonly Pick<Job, 'run'>[]): number | undefined {
  let total = 0;
  for (const { run } of jobs) {
    if (run.remaining === undefined) return undefined;
    total += run.remaining;
  }
  return total;
}
