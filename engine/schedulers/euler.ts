import * as z from 'zod';
import { supported } from '../networks/config.ts';
import { askedSigmas } from './asked-sigmas.ts';
import { alphasCumprod, SMALLEST_ALPHA } from './betas.ts';
import { commonFields, DDPM_DEFAULTS, readConfig, type SchedulerConfig, sigmaFields } from './config.ts';
import { combine, explodingOriginalCoefficients, type PredictionType, weigh } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { interpolate, timestepOfSigma, trainingSigmas } from './sigmas.ts';
import { roundHalfEven, type Spacing, spacedTimesteps } from './timesteps.ts';

const fields = z.object({
  ...commonFields(DDPM_DEFAULTS),
  ...sigmaFields,
  final_sigmas_type: sigmaFields.final_sigmas_type.default('zero'),
  interpolation_type: supported(['linear']).default('linear'),
  timestep_type: supported(['discrete']).default('discrete'),
});

/** Euler's method over the noise levels: Karras et al. 2022 (arXiv:2206.00364), algorithm 2 without churn. */
export function createEuler(config: SchedulerConfig, steps: number): Scheduler {
  const settings = readConfig(fields, config);
  const { prediction_type: prediction, timestep_spacing: spacing } = settings;
  const training = trainingSigmas(alphasCumprod(settings, SMALLEST_ALPHA, config.file));
  let timesteps = eulerTimesteps(settings, steps, config.file);
  let levels = timesteps.map((t) => interpolate(training, t));
  const spaced = { min: levels[steps - 1]!, max: levels[0]! };
  const asked = askedSigmas(config, settings, steps, training, spaced);
  if (asked) {
    levels = asked;
    timesteps = levels.map((level) => timestepOfSigma(level, training));
  }
  levels.push(settings.final_sigmas_type === 'zero' ? 0 : training[0]!);

  return {
    ...overLevels(levels, spacing, prediction),
    timesteps,
    stochastic: false,
    step(output, index, sample) {
      const level = levels[index]!;
      const original = explodingOriginalCoefficients(prediction, level);
      // dx/dσ = (x − original) / σ
      const ratio = (levels[index + 1]! - level) / level;
      return combine([1 + ratio * (1 - original.sample), sample], [-ratio * original.output, output]);
    },
  };
}

/** Timesteps of the Euler samplers, rounded to float32. Only linspace spacing gives fractional ones. */
export function eulerTimesteps(settings: Parameters<typeof spacedTimesteps>[0], steps: number, file: string) {
  return spacedTimesteps(settings, steps, false, file).map((t) =>
    settings.timestep_spacing === 'linspace' ? Math.fround(t) : roundHalfEven(t),
  );
}

/** Common to the Euler samplers: samples are clean + level · noise, scaled to unit variance for the network. */
export function overLevels(
  levels: readonly number[],
  spacing: Spacing,
  prediction: PredictionType,
): Pick<Scheduler, 'initNoiseSigma' | 'scaleInput' | 'predictOriginal' | 'addNoise'> {
  const highest = Math.max(...levels);
  return {
    initNoiseSigma: spacing === 'leading' ? Math.sqrt(highest ** 2 + 1) : highest,
    scaleInput: (sample, index) => combine([1 / Math.sqrt(levels[index]! ** 2 + 1), sample]),
    predictOriginal: (output, index, sample) =>
      weigh(explodingOriginalCoefficients(prediction, levels[index]!), sample, output),
    addNoise: (original, noise, index) => combine([1, original], [levels[index]!, noise]),
  };
}
