import type { SigmaSpacing } from '../../shared/api.ts';
import { alignedSigmas } from './align-your-steps.ts';
import type { SchedulerConfig } from './config.ts';
import { exponentialSigmas, karrasSigmas } from './sigmas.ts';

/** A config's settings for its levels. */
export interface SigmaSettings {
  use_karras_sigmas: boolean;
  use_exponential_sigmas: boolean;
  sigma_min?: number | undefined;
  sigma_max?: number | undefined;
}

/**
 * The noise levels of the steps if the user or the config asks for others than those of the timesteps; undefined
 * if neither does.
 * @param spaced lowest and highest level of the timesteps, between which a config's levels are in diffusers; those that
 * the user names are between the levels of training, as in A1111 and ComfyUI
 * @throws InputError naming the file if the config's lowest level is above its highest
 */
export function askedSigmas(
  config: SchedulerConfig,
  settings: SigmaSettings,
  steps: number,
  training: Float32Array,
  spaced: { min: number; max: number },
): number[] | undefined {
  const { sigmas, isXl = false, file } = config;
  const spacing: SigmaSpacing | undefined = sigmas ?? spacingOf(settings);
  if (!spacing) return undefined;
  if (spacing === 'ays') return alignedSigmas(steps, isXl);
  const ends = sigmas ? { min: training[0]!, max: training.at(-1)! } : spaced;
  const { sigma_min: min = ends.min, sigma_max: max = ends.max } = settings;
  return (spacing === 'karras' ? karrasSigmas : exponentialSigmas)(min, max, steps, file);
}

function spacingOf(settings: SigmaSettings): SigmaSpacing | undefined {
  if (settings.use_karras_sigmas) return 'karras';
  return settings.use_exponential_sigmas ? 'exponential' : undefined;
}
