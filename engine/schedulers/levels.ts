import * as z from 'zod';
import { askedSigmas } from './asked-sigmas.ts';
import { alphasCumprod, SMALLEST_ALPHA } from './betas.ts';
import { commonFields, DDPM_DEFAULTS, readConfig, type SchedulerConfig, sigmaFields } from './config.ts';
import { eulerTimesteps, overLevels } from './euler.ts';
import { explodingOriginalCoefficients, weigh } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { interpolate, timestepOfSigma, trainingSigmas } from './sigmas.ts';

const fields = z.object({
  ...commonFields(DDPM_DEFAULTS),
  ...sigmaFields,
  final_sigmas_type: sigmaFields.final_sigmas_type.default('zero'),
});

/** What k-diffusion's samplers start from: samples are clean + level · noise. */
export interface Levels {
  /** Noise level of every step, then 0 or the smallest of training. */
  levels: readonly number[];
  timestepOf(level: number): number;
  /** The clean sample that the network's output predicts at a level. */
  original(output: Float32Array, sample: Float32Array, level: number): Float32Array;
  /** The parts of a scheduler that depend on the level of each run only. */
  over(
    levels: readonly number[],
  ): Pick<Scheduler, 'timesteps' | 'initNoiseSigma' | 'scaleInput' | 'predictOriginal' | 'addNoise'>;
}

/** The noise levels of a config for a number of steps. */
export function noiseLevels(config: SchedulerConfig, steps: number): Levels {
  const settings = readConfig(fields, config);
  const { prediction_type: prediction, timestep_spacing: spacing } = settings;
  const training = trainingSigmas(alphasCumprod(settings, SMALLEST_ALPHA, config.file));
  let levels = eulerTimesteps(settings, steps, config.file).map((t) => interpolate(training, t));
  const spaced = { min: levels[steps - 1]!, max: levels[0]! };
  levels = askedSigmas(config, settings, steps, training, spaced) ?? levels;
  levels.push(settings.final_sigmas_type === 'zero' ? 0 : training[0]!);
  const timestepOf = (level: number) => timestepOfSigma(level, training);
  return {
    levels,
    timestepOf,
    original: (output, sample, level) =>
      weigh(explodingOriginalCoefficients(prediction, level), sample, output),
    over: (runs) => ({
      ...overLevels(runs, spacing, prediction),
      timesteps: runs.map(timestepOf),
    }),
  };
}

/** Levels of an ancestral step: down to the first, then noise of the second up to `to` (k-diffusion). */
export function ancestral(from: number, to: number): { down: number; up: number } {
  const up = Math.min(to, Math.sqrt((to ** 2 * (from ** 2 - to ** 2)) / from ** 2));
  return { down: Math.sqrt(Math.max(0, to ** 2 - up ** 2)), up };
}
