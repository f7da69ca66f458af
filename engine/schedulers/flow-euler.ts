import * as z from 'zod';
import { supported } from '../networks/config.ts';
import { off, readConfig, type SchedulerConfig } from './config.ts';
import { dynamicShift, flowCommon, shifted } from './flow.ts';
import { combine } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { checkSteps } from './timesteps.ts';

const fields = z.object({
  ...flowCommon,
  /** The shift depends on the number of positions and steps, as FLUX.2's pipelines compute it. */
  use_dynamic_shifting: z.boolean().default(false),
  time_shift_type: supported(['exponential']).default('exponential'),
  invert_sigmas: off,
  stochastic_sampling: off,
  shift_terminal: supported([null]).optional(),
});

/**
 * Euler's method along a flow from noise (1) to picture (0), x = (1 − σ) · clean + σ · noise: diffusers'
 * FlowMatchEulerDiscreteScheduler (Lipman et al. 2023, Esser et al. 2024). The network predicts noise − clean.
 */
export function createFlowEuler(config: SchedulerConfig, steps: number): Scheduler {
  const { num_train_timesteps: train, ...settings } = readConfig(fields, config);
  checkSteps(steps, train);
  const isDynamic = settings.use_dynamic_shifting;
  const shift = isDynamic ? dynamicShift(config, steps) : settings.shift;
  const last = isDynamic ? 1 / steps : shifted(1 / train, shift);
  const even = (i: number) => (steps === 1 ? 1 : 1 + (i / (steps - 1)) * (last - 1));
  const sigmas = Array.from({ length: steps }, (_, i) => shifted(even(i), shift));
  const levels = [...sigmas, 0];
  return {
    timesteps: sigmas.map((sigma) => Math.fround(sigma * train)),
    initNoiseSigma: 1,
    stochastic: false,
    scaleInput: (sample) => sample,
    predictOriginal: (output, index, sample) => combine([1, sample], [-levels[index]!, output]),
    step: (output, index, sample) => combine([1, sample], [levels[index + 1]! - levels[index]!, output]),
    addNoise: (original, noise, index) => combine([1 - levels[index]!, original], [levels[index]!, noise]),
  };
}
