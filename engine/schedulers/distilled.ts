import * as z from 'zod';
import { InputError } from '../errors.ts';
import { alphasCumprod } from './betas.ts';
import { commonFields, off } from './config.ts';
import type { noiseCoefficients } from './prediction.ts';
import type { Level } from './preserved.ts';
import { checkSteps } from './timesteps.ts';

/** Fields of the config for a model that was distilled on `original_inference_steps` timesteps (LCM, TCD). */
export const distilledFields = {
  ...commonFields({
    beta_start: 0.00085,
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    timestep_spacing: 'leading',
  }),
  original_inference_steps: z.number().int().min(1).max(100_000).default(50),
  thresholding: off,
};

/**
 * The timesteps of such a model, some of those of the distillation, evenly spaced; and the level of any timestep.
 * @throws InputError for more steps than there are, and for a prediction that says nothing at a level of pure noise
 */
export function distilledLevels(
  settings: Parameters<typeof alphasCumprod>[0] & {
    prediction_type: Parameters<typeof noiseCoefficients>[0];
    num_train_timesteps: number;
    original_inference_steps: number;
  },
  steps: number,
  file: string,
): { timesteps: number[]; levels: Level[]; level: (timestep: number) => Level } {
  const alphas = alphasCumprod(settings, 0, file);
  const timesteps = distilledTimesteps(settings, steps, file);
  if (settings.prediction_type === 'epsilon' && timesteps.some((t) => alphas[t] === 0))
    throw new InputError(
      `${file}: rescale_betas_zero_snr needs v_prediction, since noise alone says nothing of the picture.`,
    );
  const level = (t: number) => ({ alpha: Math.sqrt(alphas[t]!), sigma: Math.sqrt(1 - alphas[t]!) });
  return { timesteps, levels: timesteps.map(level), level };
}

function distilledTimesteps(
  settings: { num_train_timesteps: number; original_inference_steps: number },
  steps: number,
  file: string,
): number[] {
  const { num_train_timesteps: train, original_inference_steps: originalSteps } = settings;
  if (originalSteps > train)
    throw new InputError(`${file}: original_inference_steps is above num_train_timesteps.`);
  checkSteps(steps, originalSteps);
  const skip = Math.floor(train / originalSteps);
  return Array.from(
    { length: steps },
    (_, i) => (originalSteps - Math.floor((i * originalSteps) / steps)) * skip - 1,
  );
}
