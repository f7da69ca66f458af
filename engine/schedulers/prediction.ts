/**
 * What the network predicts: the noise, the velocity of Salimans and Ho 2022, the clean sample, or noise − clean (of
 * flows, Lipman et al. 2023).
 */
export const PREDICTION_TYPES = ['epsilon', 'v_prediction', 'sample', 'flow_prediction'] as const;
export type PredictionType = (typeof PREDICTION_TYPES)[number];

/** Coefficients of a linear combination of the current sample and the network's output. */
interface Coefficients {
  sample: number;
  output: number;
}

/**
 * The clean sample, where the current sample is alpha · clean + sigma · noise: alpha² + sigma² = 1, or for flows
 * alpha + sigma = 1.
 */
export function originalCoefficients(prediction: PredictionType, alpha: number, sigma: number): Coefficients {
  switch (prediction) {
    case 'epsilon':
      return { sample: 1 / alpha, output: -sigma / alpha };
    case 'v_prediction':
      return { sample: alpha, output: -sigma };
    case 'sample':
      return { sample: 0, output: 1 };
    case 'flow_prediction':
      return { sample: 1, output: -sigma };
  }
}

/** The noise, where the current sample is alpha · clean + sigma · noise. */
export function noiseCoefficients(prediction: PredictionType, alpha: number, sigma: number): Coefficients {
  switch (prediction) {
    case 'epsilon':
      return { sample: 0, output: 1 };
    case 'v_prediction':
      return { sample: sigma, output: alpha };
    case 'sample':
      return { sample: 1 / sigma, output: -alpha / sigma };
    case 'flow_prediction':
      return { sample: 1, output: alpha };
  }
}

/** The clean sample, where the current sample is clean + level · noise (the form of the Euler samplers). */
export function explodingOriginalCoefficients(prediction: PredictionType, level: number): Coefficients {
  const alpha = 1 / Math.sqrt(level * level + 1);
  const weights = originalCoefficients(prediction, alpha, level * alpha);
  return { sample: weights.sample * alpha, output: weights.output };
}

export type Term = readonly [weight: number, values: Float32Array];

/** Σ weight · values, elementwise in float64. All arrays have the same length; terms of weight 0 are not read. */
export function combine(...terms: Term[]): Float32Array {
  const used = terms.filter(([weight]) => weight !== 0);
  const length = terms[0]![1].length;
  if (terms.some(([, values]) => values.length !== length)) {
    throw new RangeError('the arrays of a sampler differ in length');
  }
  const result = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (const [weight, values] of used) sum += weight * values[i]!;
    result[i] = sum;
  }
  return result;
}

/** Applies prediction weights to a sample and an output. */
export function weigh(weights: Coefficients, sample: Float32Array, output: Float32Array): Float32Array {
  return combine([weights.sample, sample], [weights.output, output]);
}
