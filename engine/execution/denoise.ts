import { nextTask } from '#host';
import { requireFinite } from '../numbers.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Condition } from './condition.ts';
import type { Denoiser } from './denoiser.ts';
import type { Plan } from './plan.ts';

/** Computes the guided output for a scaled sample at step `index`. */
export type Predict = (sample: Float32Array, index: number) => Promise<Float32Array>;

/** A denoiser with a plan, at the timesteps of a scheduler. */
export function predictor(
  denoiser: Denoiser,
  plan: Plan,
  { timesteps }: Pick<Scheduler, 'timesteps'>,
  condition: Condition,
): Predict {
  return async (sample, index) => (await denoiser.predict(plan, sample, timesteps[index]!, condition)).output;
}

export interface DenoiseOptions {
  /** First step; later than 0 for an edit of partial strength. */
  start?: number;
  /** The step before which it stops; the last one if absent. */
  end?: number;
  /** Standard normal noise for a step of a stochastic sampler. */
  noise: (index: number) => Float32Array;
  signal?: AbortSignal;
  /** Called after each step. `original` computes the clean sample predicted in it. */
  onStep?: (index: number, sample: Float32Array, original: () => Float32Array) => void | Promise<void>;
  /** Replaces the sample between steps, for example to restore the unmasked part. */
  constrain?: (sample: Float32Array, index: number) => Float32Array;
}

/** Runs the reverse process from `sample` on. Resolves with the latents after its last step. */
export async function denoise(
  predict: Predict,
  scheduler: Scheduler,
  sample: Float32Array,
  options: DenoiseOptions,
): Promise<Float32Array> {
  const { start = 0, end = scheduler.timesteps.length, signal, constrain } = options;
  let current = sample;
  for (let index = start; index < end; index++) {
    await listen(signal);
    const before = current;
    const output = await predict(scheduler.scaleInput(before, index), index);
    requireFinite(output, `The denoiser, in step ${index + 1},`);
    const original = () => scheduler.predictOriginal(output, index, before);
    current = scheduler.step(output, index, before, scheduler.stochastic ? options.noise(index) : undefined);
    requireFinite(current, `The sampler, in step ${index + 1},`);
    if (constrain) current = constrain(current, index);
    await options.onStep?.(index, current, original);
  }
  await listen(signal);
  return current;
}

/** Handles pending messages, such as a cancellation, because a network run blocks the thread. A timer would cost 1 ms. */
export async function listen(signal?: AbortSignal): Promise<void> {
  await nextTask();
  signal?.throwIfAborted();
}
