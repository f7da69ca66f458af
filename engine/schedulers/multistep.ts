import { askedSigmas, type SigmaSettings } from './asked-sigmas.ts';
import type { SchedulerConfig } from './config.ts';
import { combine } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { interpolate, preserving, timestepOfSigma } from './sigmas.ts';
import { roundHalfEven, type SpacingOptions, spacedTimesteps } from './timesteps.ts';

interface MultistepOptions extends SpacingOptions, SigmaSettings {
  /** In place of those of the spacing. */
  timesteps?: readonly number[] | undefined;
}

/** Integer timesteps of the multistep solvers, and the noise level at each. */
export function multistepLevels(
  options: MultistepOptions,
  training: Float32Array,
  steps: number,
  config: SchedulerConfig,
): { timesteps: number[]; levels: number[] } {
  const timesteps =
    options.timesteps ?? spacedTimesteps(options, steps, true, config.file).map(roundHalfEven);
  const whole = { min: training[0]!, max: training.at(-1)! };
  const levels = askedSigmas(config, options, steps, training, whole);
  if (!levels) return { timesteps: [...timesteps], levels: timesteps.map((t) => interpolate(training, t)) };
  return { timesteps: levels.map((level) => roundHalfEven(timestepOfSigma(level, training))), levels };
}

/**
 * Common to the multistep solvers: samples are alpha · clean + sigma · noise, as the network takes them.
 * `split`: alpha and sigma of a level
 */
export function variancePreserving(
  levels: readonly number[],
  split = preserving,
): Pick<Scheduler, 'initNoiseSigma' | 'stochastic' | 'scaleInput' | 'addNoise'> {
  return {
    initNoiseSigma: 1,
    stochastic: false,
    scaleInput: (sample) => sample,
    addNoise(original, noise, index) {
      const { alpha, sigma } = split(levels[index]!);
      return combine([alpha, original], [sigma, noise]);
    },
  };
}
