import { nextTask } from '#host';
import { requireFinite } from '../numbers.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Condition } from './condition.ts';
import type { Denoiser } from './denoiser.ts';
import type { Plan } from './plan.ts';

/** The network's guided output for a scaled sample at step `index` of the process. */
export type Predict = (sample: Float32Array, index: number) => Promise<Float32Array>;

/** The network over a plan, at the timesteps of a process. */
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
  /** Standard normal noise for a step of a stochastic sampler. */
  noise: (index: number) => Float32Array;
  signal?: AbortSignal;
  /** Called after each step; `original` computes the clean sample that this step saw. */
  onStep?: (index: number, sample: Float32Array, original: () => Float32Array) => void | Promise<void>;
  /** Replaces the sample between steps, e.g. by the known part of a picture. */
  constrain?: (sample: Float32Array, index: number) => Float32Array;
}

/** The reverse process from `sample` to the scheduler's last step; gives the final latents. */
export async function denoise(
  predict: Predict,
  scheduler: Scheduler,
  sample: Float32Array,
  options: DenoiseOptions,
): Promise<Float32Array> {
  const { start = 0, signal, constrain } = options;
  let current = sample;
  for (let index = start; index < scheduler.timesteps.length; index++) {
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

/** Lets messages in, a cancellation among them: a network run blocks the thread. A timer would take a millisecond. */
export async function listen(signal?: AbortSignal): Promise<void> {
  await nextTask();
  signal?.throwIfAborted();
}
