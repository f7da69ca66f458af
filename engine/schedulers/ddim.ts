import * as z from 'zod';
import { InputError } from '../errors.ts';
import { alphasCumprod } from './betas.ts';
import { commonFields, DDPM_DEFAULTS, off, readConfig, type SchedulerConfig } from './config.ts';
import { combine, noiseCoefficients, weigh } from './prediction.ts';
import { overPreserved } from './preserved.ts';
import type { Scheduler } from './scheduler.ts';
import { roundHalfEven, spacedTimesteps } from './timesteps.ts';

const fields = z.object({
  ...commonFields({ ...DDPM_DEFAULTS, timestep_spacing: 'leading' }),
  clip_sample: z.boolean().default(true),
  clip_sample_range: z.number().positive().max(1e6).default(1),
  set_alpha_to_one: z.boolean().default(true),
  thresholding: off,
});

/** DDIM of Song et al. 2020 (arXiv:2010.02502), eq. 12 with η = 0. */
export function createDdim(config: SchedulerConfig, steps: number): Scheduler {
  const settings = readConfig(fields, config);
  const alphas = alphasCumprod(settings, 0, config.file);
  const timesteps = spacedTimesteps(settings, steps, false, config.file).map(roundHalfEven);
  const stride = Math.floor(settings.num_train_timesteps / steps);
  const finalAlpha = settings.set_alpha_to_one ? 1 : alphas[0]!;
  const { prediction_type: prediction } = settings;

  if (prediction === 'epsilon' && timesteps.some((t) => alphas[t] === 0)) {
    throw new InputError(
      `${config.file}: rescale_betas_zero_snr needs v_prediction, since noise alone says nothing of the picture.`,
    );
  }

  const level = (alpha: number) => ({ alpha: Math.sqrt(alpha), sigma: Math.sqrt(1 - alpha) });
  const levels = timesteps.map((t) => level(alphas[t]!));

  const base = overPreserved(levels, settings);

  return {
    ...base,
    timesteps,
    stochastic: false,
    step(output, index, sample) {
      const { alpha, sigma } = levels[index]!;
      const noise = weigh(noiseCoefficients(prediction, alpha, sigma), sample, output);
      const previous = timesteps[index]! - stride;
      const next = level(previous >= 0 ? alphas[previous]! : finalAlpha);
      return combine([next.alpha, base.predictOriginal(output, index, sample)], [next.sigma, noise]);
    },
  };
}
