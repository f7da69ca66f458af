import * as z from 'zod';
import { supported } from '../networks/config.ts';
import { readConfig, type SchedulerConfig } from './config.ts';
import { combine } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { checkSteps } from './timesteps.ts';

const fields = z.object({
  num_train_timesteps: z.number().int().min(2).max(100_000).default(1000),
  prediction_type: supported(['trigflow']).default('trigflow'),
  sigma_data: z.number().positive().max(100).default(0.5),
});

/** The first angle; the last one is 0. */
const START = 1.5708;
/** The angle between the two steps that SANA-Sprint is made for. */
const MIDDLE = 1.3;

/**
 * Consistency sampling over TrigFlow's angles (Lu & Song 2024, arXiv:2410.11081) for a network that predicts a flow's
 * velocity, as SANA-Sprint does (Chen et al. 2025, arXiv:2503.09641, section 3.1): diffusers' SCMScheduler and
 * SanaSprintPipeline. At angle s a sample is cos s · clean + sin s · noise, both with the deviation `sigma_data`; here
 * latents before the first and after the last step are of deviation 1. The network's timestep is the flow's, 0 … 1.
 */
export function createScm(config: SchedulerConfig, steps: number): Scheduler {
  const { sigma_data: deviation } = readConfig(fields, config);
  checkSteps(steps, 1000);
  const angles =
    steps === 2 ? [START, MIDDLE, 0] : Array.from({ length: steps + 1 }, (_, i) => START * (1 - i / steps));
  const flows = angles.slice(0, -1).map((angle) => {
    const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
    const time = sin / (cos + sin);
    return { sin, cos, time, norm: Math.hypot(time, 1 - time) };
  });

  /** The clean sample, of deviation 1. */
  function predictOriginal(output: Float32Array, index: number, sample: Float32Array): Float32Array {
    const { sin, cos, time, norm } = flows[index]!;
    // v = ((1 − 2τ) · x · r / d + (1 − 2τ + 2τ²) · output) / r · d, and the clean sample is cos s · x − sin s · v.
    const kept = cos - sin * (1 - 2 * time);
    const velocity = (sin * (1 - 2 * time + 2 * time ** 2)) / norm;
    return combine([kept / deviation, sample], [-velocity, output]);
  }

  return {
    timesteps: flows.map(({ time }) => time),
    initNoiseSigma: deviation,
    stochastic: steps > 1,
    scaleInput: (sample, index) => combine([flows[index]!.norm / deviation, sample]),
    predictOriginal,
    step(output, index, sample, noise) {
      const original = predictOriginal(output, index, sample);
      const next = flows[index + 1];
      if (!next) return original;
      if (!noise) throw new TypeError('The SCM sampler needs noise.');
      return combine([next.cos * deviation, original], [next.sin * deviation, noise]);
    },
    addNoise(original, noise, index) {
      const { sin, cos } = flows[index]!;
      return combine([cos * deviation, original], [sin * deviation, noise]);
    },
  };
}
