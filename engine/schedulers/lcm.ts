import * as z from 'zod';
import { readConfig, type SchedulerConfig } from './config.ts';
import { distilledFields, distilledLevels } from './distilled.ts';
import { combine } from './prediction.ts';
import { overPreserved } from './preserved.ts';
import type { Scheduler } from './scheduler.ts';

const fields = z.object({
  ...distilledFields,
  timestep_scaling: z.number().positive().max(1e6).default(10),
  clip_sample: z.boolean().default(false),
  clip_sample_range: z.number().positive().max(1e6).default(1),
});

/** σ_data of the consistency models paper. */
const SIGMA_DATA = 0.5;

/**
 * Multistep sampling of latent consistency models: Luo et al. 2023 (arXiv:2310.04378), algorithm 3.
 * Its timesteps are some of those used in distillation, so there are at most `original_inference_steps`.
 */
export function createLcm(config: SchedulerConfig, steps: number): Scheduler {
  const settings = readConfig(fields, config);
  const { timesteps, levels } = distilledLevels(settings, steps, config.file);
  const base = overPreserved(levels, settings);

  return {
    ...base,
    timesteps,
    stochastic: true,
    step(output, index, sample, noise) {
      const scaled = timesteps[index]! * settings.timestep_scaling;
      const squares = scaled ** 2 + SIGMA_DATA ** 2;
      const skipWeight = SIGMA_DATA ** 2 / squares;
      const outWeight = scaled / Math.sqrt(squares);
      const original = base.predictOriginal(output, index, sample);
      const next = levels[index + 1] ?? { alpha: 1, sigma: 0 };
      if (next.sigma > 0 && !noise) throw new TypeError('The LCM sampler needs noise.');
      return combine(
        [next.alpha * outWeight, original],
        [next.alpha * skipWeight, sample],
        [next.sigma, noise ?? sample],
      );
    },
  };
}
