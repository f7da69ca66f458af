import * as z from 'zod';
import { InputError } from '../errors.ts';
import { supported } from '../networks/config.ts';
import { alphasCumprod, SMALLEST_ALPHA } from './betas.ts';
import { commonFields, DDPM_DEFAULTS, off, readConfig, type SchedulerConfig, sigmaFields } from './config.ts';
import { multistepLevels, variancePreserving } from './multistep.ts';
import { combine, noiseCoefficients, originalCoefficients, type Term, weigh } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { lambdaOf, preserving, trainingSigmas } from './sigmas.ts';

const fields = z.object({
  ...commonFields(DDPM_DEFAULTS),
  ...sigmaFields,
  final_sigmas_type: sigmaFields.final_sigmas_type.default('sigma_min'),
  solver_order: z.number().int().min(1).max(3).default(2),
  // Values of other solvers stand for the default, as in diffusers, so that their configs work.
  solver_type: supported(['bh1', 'bh2', 'midpoint', 'heun', 'logrho']).default('bh2'),
  predict_x0: z.boolean().default(true),
  lower_order_final: z.boolean().default(true),
  disable_corrector: z.array(z.number().int()).max(100_000).default([]),
  solver_p: off,
  thresholding: off,
});

/**
 * UniPC of Zhao et al. 2023 (arXiv:2302.04867): a predictor (UniP) and, from the second step on, a corrector (UniC)
 * that improves the sample just reached with the network's output there. Orders 1 to 3, B(h) of either kind.
 */
export function createUniPC(config: SchedulerConfig, steps: number): Scheduler {
  const settings = readConfig(fields, config);
  const { prediction_type: prediction, predict_x0: overOriginals } = settings;
  const training = trainingSigmas(alphasCumprod(settings, SMALLEST_ALPHA, config.file));
  const { timesteps, levels } = multistepLevels(settings, training, steps, config);
  levels.push(settings.final_sigmas_type === 'zero' ? 0 : training[0]!);
  if (!overOriginals && settings.final_sigmas_type === 'zero') {
    throw new InputError(`${config.file}: predict_x0 false needs final_sigmas_type sigma_min.`);
  }
  const uncorrected = new Set(settings.disable_corrector);

  /** Converted outputs of the last steps (clean samples, or noises), newest first. */
  let outputs: Float32Array[] = [];
  /** Sample from which the last prediction started. */
  let origin: Float32Array | undefined;
  let lastOrder = 0;

  function convert(output: Float32Array, index: number, sample: Float32Array): Float32Array {
    const { alpha, sigma } = preserving(levels[index]!);
    const weights = overOriginals ? originalCoefficients : noiseCoefficients;
    return weigh(weights(prediction, alpha, sigma), sample, output);
  }

  /**
   * From `sample` at step `index` to the next level: eq. 3 of the paper without `arrived`, the network's output at
   * that level, and eq. 9 with it. `outputs` are those at `index` and before.
   */
  function advance(sample: Float32Array, index: number, order: number, arrived?: Float32Array): Float32Array {
    const lambda = (i: number) => lambdaOf(levels[i]!);
    const h = lambda(index + 1) - lambda(index);
    const hh = overOriginals ? -h : h;
    const target = preserving(levels[index + 1]!);
    const here = preserving(levels[index]!);
    const keep = overOriginals ? target.sigma / here.sigma : target.alpha / here.alpha;
    const scale = overOriginals ? target.alpha : target.sigma;
    const growth = Math.expm1(hh);
    const b = settings.solver_type === 'bh1' ? hh : growth;

    const newest = outputs[0]!;
    const ratios = Array.from({ length: order - 1 }, (_, i) => (lambda(index - 1 - i) - lambda(index)) / h);
    const rhos = arrived ? correctorWeights(ratios, hh, b) : predictorWeights(ratios, hh, b);
    const terms: Term[] = [
      [keep, sample],
      [-scale * growth, newest],
    ];
    ratios.forEach((ratio, i) => {
      const weight = (-scale * b * rhos[i]!) / ratio;
      terms.push([weight, outputs[i + 1]!], [-weight, newest]);
    });
    if (arrived) {
      const weight = -scale * b * rhos[order - 1]!;
      terms.push([weight, arrived], [-weight, newest]);
    }
    return combine(...terms);
  }

  return {
    ...variancePreserving(levels),
    timesteps,
    predictOriginal(output, index, sample) {
      const { alpha, sigma } = preserving(levels[index]!);
      return weigh(originalCoefficients(prediction, alpha, sigma), sample, output);
    },
    step(output, index, sample) {
      const converted = convert(output, index, sample);
      const correct = origin !== undefined && !uncorrected.has(index - 1);
      const current = correct ? advance(origin!, index - 1, lastOrder, converted) : sample;

      outputs = [converted, ...outputs].slice(0, settings.solver_order);
      const remaining = settings.lower_order_final ? steps - index : settings.solver_order;
      const order = levels[index + 1] === 0 ? 1 : Math.min(outputs.length, remaining);
      origin = current;
      lastOrder = order;
      return advance(current, index, order);
    },
  };
}

/** ρ of UniP; for order 2 the paper's simplification ½. */
function predictorWeights(ratios: number[], hh: number, b: number): number[] {
  if (ratios.length === 0) return [];
  if (ratios.length === 1) return [0.5];
  return solveVandermonde(ratios, moments(hh, b, ratios.length));
}

/** ρ of UniC; for order 1 the paper's simplification ½. */
function correctorWeights(ratios: number[], hh: number, b: number): number[] {
  if (ratios.length === 0) return [0.5];
  return solveVandermonde([...ratios, 1], moments(hh, b, ratios.length + 1));
}

/** n! · φ_{n+1}(hh) · hh / B(h) for n = 1 … count: the right side of eq. 5. */
function moments(hh: number, b: number, count: number): number[] {
  const result: number[] = [];
  let phi = Math.expm1(hh) / hh - 1;
  let factorial = 1;
  for (let n = 1; n <= count; n++) {
    result.push((phi * factorial) / b);
    factorial *= n + 1;
    phi = phi / hh - 1 / factorial;
  }
  return result;
}

/** Solves Σ_j x_jⁿ · ρ_j = values[n] for n = 0 … by Gaussian elimination; at most three unknowns. */
function solveVandermonde(x: number[], values: number[]): number[] {
  const size = x.length;
  const rows = values.map((value, n) => [...x.map((node) => node ** n), value]);
  for (let column = 0; column < size; column++) {
    const pivot = rows[column]!;
    for (let r = 0; r < size; r++) {
      if (r === column) continue;
      const factor = rows[r]![column]! / pivot[column]!;
      rows[r] = rows[r]!.map((value, i) => value - factor * pivot[i]!);
    }
  }
  return rows.map((row, i) => row[size]! / row[i]!);
}
