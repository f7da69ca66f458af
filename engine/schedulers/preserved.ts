import { combine, originalCoefficients, type PredictionType, weigh } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';

/** Shares of the clean sample and of the noise at a step. */
export interface Level {
  alpha: number;
  sigma: number;
}

/**
 * Common to samplers over timesteps: at step i samples are alpha · clean + sigma · noise, as the network takes them.
 * `clip_sample` clips the clean sample to ± `clip_sample_range`.
 */
export function overPreserved(
  levels: readonly Level[],
  config: { prediction_type: PredictionType; clip_sample?: boolean; clip_sample_range?: number },
): Pick<Scheduler, 'initNoiseSigma' | 'scaleInput' | 'predictOriginal' | 'addNoise'> {
  const { prediction_type: prediction, clip_sample: clip = false, clip_sample_range: range = 1 } = config;
  return {
    initNoiseSigma: 1,
    scaleInput: (sample) => sample,
    predictOriginal(output, index, sample) {
      const { alpha, sigma } = levels[index]!;
      const original = weigh(originalCoefficients(prediction, alpha, sigma), sample, output);
      return clip ? original.map((value) => Math.min(Math.max(value, -range), range)) : original;
    },
    addNoise(original, noise, index) {
      const { alpha, sigma } = levels[index]!;
      return combine([alpha, original], [sigma, noise]);
    },
  };
}
