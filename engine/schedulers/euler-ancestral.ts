import * as z from 'zod';
import { askedSigmas } from './asked-sigmas.ts';
import { alphasCumprod, SMALLEST_ALPHA } from './betas.ts';
import { commonFields, DDPM_DEFAULTS, readConfig, type SchedulerConfig } from './config.ts';
import { eulerTimesteps, overLevels } from './euler.ts';
import { combine, explodingOriginalCoefficients } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { interpolate, timestepOfSigma, trainingSigmas } from './sigmas.ts';

const fields = z.object(commonFields(DDPM_DEFAULTS));

/** As in diffusers, no config of this sampler says how the levels are spaced. */
const PLAIN = { use_karras_sigmas: false, use_exponential_sigmas: false };

/** k-diffusion's ancestral sampler: an Euler step to a level below the next one, then fresh noise up to it. */
export function createEulerAncestral(config: SchedulerConfig, steps: number): Scheduler {
  const settings = readConfig(fields, config);
  const { prediction_type: prediction, timestep_spacing: spacing } = settings;
  const training = trainingSigmas(alphasCumprod(settings, SMALLEST_ALPHA, config.file));
  const spaced = eulerTimesteps(settings, steps, config.file);
  const own = spaced.map((t) => interpolate(training, t));
  const asked = askedSigmas(config, PLAIN, steps, training, { min: own[steps - 1]!, max: own[0]! });
  const timesteps = asked?.map((level) => timestepOfSigma(level, training)) ?? spaced;
  const levels = [...(asked ?? own), 0];

  return {
    ...overLevels(levels, spacing, prediction),
    timesteps,
    stochastic: true,
    step(output, index, sample, noise) {
      const from = levels[index]!;
      const to = levels[index + 1]!;
      const up = Math.sqrt((to ** 2 * (from ** 2 - to ** 2)) / from ** 2);
      const down = Math.sqrt(to ** 2 - up ** 2);
      const original = explodingOriginalCoefficients(prediction, from);
      const ratio = (down - from) / from;
      if (up > 0 && !noise) throw new TypeError('The ancestral sampler needs noise.');
      return combine(
        [1 + ratio * (1 - original.sample), sample],
        [-ratio * original.output, output],
        [up, noise ?? sample],
      );
    },
  };
}
