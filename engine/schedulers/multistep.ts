import { combine } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { interpolate, karrasSigmas, preserving, timestepOfSigma } from './sigmas.ts';
import { roundHalfEven, type SpacingOptions, spacedTimesteps } from './timesteps.ts';

interface MultistepOptions extends SpacingOptions {
  use_karras_sigmas: boolean;
  sigma_min?: number | undefined;
  sigma_max?: number | undefined;
  /** In place of those of the spacing. */
  timesteps?: readonly number[] | undefined;
}

/** Integer timesteps of the multistep solvers, and the noise level at each. */
export function multistepLevels(
  options: MultistepOptions,
  training: Float32Array,
  steps: number,
  file: string,
): { timesteps: number[]; levels: number[] } {
  const timesteps = options.timesteps ?? spacedTimesteps(options, steps, true, file).map(roundHalfEven);
  if (!options.use_karras_sigmas)
    return { timesteps: [...timesteps], levels: timesteps.map((t) => interpolate(training, t)) };
  const min = options.sigma_min ?? training[0]!;
  const levels = karrasSigmas(min, options.sigma_max ?? training[training.length - 1]!, steps, file);
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
