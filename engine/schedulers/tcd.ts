import * as z from 'zod';
import { readConfig, type SchedulerConfig } from './config.ts';
import { distilledFields, distilledLevels } from './distilled.ts';
import { combine, noiseCoefficients, weigh } from './prediction.ts';
import { overPreserved } from './preserved.ts';
import type { Scheduler } from './scheduler.ts';

const fields = z.object(distilledFields);

/** γ of the paper, `eta` of diffusers' step: how far below the next timestep a step aims before noise brings it up again. */
const GAMMA = 0.3;

/**
 * Strategic stochastic sampling of trajectory consistency distillation: Zheng et al. 2024 (arXiv:2402.19159), algorithm 4,
 * as diffusers' TCDScheduler. Its last step aims at timestep 0, where a little noise is left.
 */
export function createTcd(config: SchedulerConfig, steps: number): Scheduler {
  const settings = readConfig(fields, config);
  const { timesteps, levels, level } = distilledLevels(settings, steps, config.file);
  const { prediction_type: prediction } = settings;

  const base = overPreserved(levels, settings);

  return {
    ...base,
    timesteps,
    stochastic: true,
    step(output, index, sample, noise) {
      const next = timesteps[index + 1] ?? 0;
      const aim = level(Math.floor((1 - GAMMA) * next));
      const { alpha, sigma } = levels[index]!;
      const predicted = weigh(noiseCoefficients(prediction, alpha, sigma), sample, output);
      const original = base.predictOriginal(output, index, sample);
      if (index === timesteps.length - 1) return combine([aim.alpha, original], [aim.sigma, predicted]);
      if (!noise) throw new TypeError('The TCD sampler needs noise.');
      const kept = level(next).alpha / aim.alpha;
      return combine(
        [kept * aim.alpha, original],
        [kept * aim.sigma, predicted],
        [Math.sqrt(1 - kept ** 2), noise],
      );
    },
  };
}
