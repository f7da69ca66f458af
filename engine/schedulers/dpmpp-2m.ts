import * as z from 'zod';
import { InputError } from '../errors.ts';
import { supported } from '../networks/config.ts';
import { alphasCumprod, SMALLEST_ALPHA } from './betas.ts';
import { commonFields, DDPM_DEFAULTS, off, readConfig, type SchedulerConfig, sigmaFields } from './config.ts';
import { flowCommon, shifted } from './flow.ts';
import { LONGEST, learnedSteps, learnedWeights, taken } from './learned-steps.ts';
import { multistepLevels, variancePreserving } from './multistep.ts';
import { combine, originalCoefficients, type PredictionType, weigh } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { lambdaOf, mixing, preserving, trainingSigmas } from './sigmas.ts';
import { checkSteps } from './timesteps.ts';

const solver = {
  final_sigmas_type: supported(['zero', 'sigma_min']).default('zero'),
  solver_order: z.number().int().min(1).max(3).default(2),
  // Values of other solvers stand for the default, as in diffusers, so that their configs work.
  algorithm_type: supported(['dpmsolver++', 'deis']).default('dpmsolver++'),
  solver_type: supported(['midpoint', 'heun', 'logrho', 'bh1', 'bh2']).default('midpoint'),
  lower_order_final: z.boolean().default(true),
  euler_at_final: z.boolean().default(false),
  lambda_min_clipped: z.number().min(-1e6).max(1e6).optional(),
  thresholding: off,
  use_lu_lambdas: off,
};
const fields = z.object({
  ...commonFields(DDPM_DEFAULTS),
  ...sigmaFields,
  ...solver,
  timesteps: z.array(z.number().int().min(0)).optional(),
  learned_steps: learnedSteps.optional(),
});
const flowFields = z.object({
  ...solver,
  ...flowCommon,
  prediction_type: supported(['flow_prediction']),
  flow_shift: flowCommon.shift,
  final_sigmas_type: supported(['zero']).default('zero'),
});

/** With fewer steps than this, the last ones use a lower order, for stability. */
const FEW_STEPS = 15;

/** DPM-Solver++ multistep of Lu et al. 2022 (arXiv:2211.01095), orders 1 to 3; order 2 is "DPM++ 2M". */
export function createDpmpp(config: SchedulerConfig, steps: number): Scheduler {
  if (config.values.use_flow_sigmas === true) return createFlowDpmpp(config, steps);
  const settings = readConfig(fields, config);
  const training = trainingSigmas(alphasCumprod(settings, SMALLEST_ALPHA, config.file));
  const clipped = settings.lambda_min_clipped ?? Number.NEGATIVE_INFINITY;
  const placed = settings.timesteps;
  if (placed?.some((timestep) => timestep >= training.length))
    throw new InputError(`${config.file}: timesteps must be below ${training.length}.`);
  const usable = training.filter((level) => lambdaOf(level) >= clipped).length;
  const { timesteps, levels } = multistepLevels(
    { ...settings, num_train_timesteps: usable },
    training,
    steps,
    config,
  );
  levels.push(settings.final_sigmas_type === 'zero' ? 0 : training[0]!);
  const weights = placed && learnedWeights(settings.learned_steps, placed, config.file);
  return solve(settings, timesteps, levels, preserving, weights);
}

/** The same over a flow's noise levels, evenly spaced before they are shifted (diffusers' `use_flow_sigmas`). */
function createFlowDpmpp(config: SchedulerConfig, steps: number): Scheduler {
  const { num_train_timesteps: train, flow_shift: shift, ...settings } = readConfig(flowFields, config);
  checkSteps(steps, train - 1);
  const most = 1 - 1 / train;
  const sigmas = Array.from({ length: steps }, (_, i) => shifted(most * (1 - i / steps), shift));
  const timesteps = sigmas.map((sigma) => Math.trunc(sigma * train));
  return solve(settings, timesteps, [...sigmas.map((sigma) => sigma / (1 - sigma)), 0], mixing);
}

type Solver = Pick<
  z.output<typeof fields>,
  'final_sigmas_type' | 'solver_order' | 'solver_type' | 'lower_order_final' | 'euler_at_final'
> & { prediction_type: PredictionType };

/**
 * @param split alpha and sigma of a level
 * @param weights of each step, in place of the formula's: see `learnedSteps`
 */
function solve(
  settings: Solver,
  timesteps: readonly number[],
  levels: readonly number[],
  split: typeof preserving,
  weights?: readonly (readonly number[])[],
): Scheduler {
  const { prediction_type: prediction, solver_order: solverOrder } = settings;
  const steps = timesteps.length;
  const lowerLast =
    settings.euler_at_final ||
    settings.final_sigmas_type === 'zero' ||
    (settings.lower_order_final && steps < FEW_STEPS);
  const lowerBeforeLast = settings.lower_order_final && steps < FEW_STEPS;

  /** Clean samples predicted at the last steps, newest first. */
  let originals: Float32Array[] = [];

  function predictOriginal(output: Float32Array, index: number, sample: Float32Array): Float32Array {
    const { alpha, sigma } = split(levels[index]!);
    return weigh(originalCoefficients(prediction, alpha, sigma), sample, output);
  }

  function orderAt(index: number): number {
    if (index === steps - 1 && lowerLast) return 1;
    if (index === steps - 2 && lowerBeforeLast) return Math.min(originals.length, 2);
    return originals.length;
  }

  return {
    ...variancePreserving(levels, split),
    timesteps,
    predictOriginal,
    step(output, index, sample) {
      originals = [predictOriginal(output, index, sample), ...originals].slice(
        0,
        weights ? LONGEST : solverOrder,
      );
      if (weights) return taken(weights[index]!, sample, originals);
      const [m0, m1, m2] = originals as [Float32Array, Float32Array, Float32Array];
      const order = orderAt(index);
      const target = split(levels[index + 1]!);
      const here = split(levels[index]!);
      const lambda = (i: number) => lambdaOf(levels[i]!);
      const h = lambda(index + 1) - lambda(index);
      const phi = target.alpha * Math.expm1(-h);
      const keep = target.sigma / here.sigma;
      if (order === 1) return combine([keep, sample], [-phi, m0]);

      // Divided differences of the originals over λ, in units of h.
      const r0 = (lambda(index) - lambda(index - 1)) / h;
      const second = phi / h + target.alpha;
      if (order === 2) {
        const slope = settings.solver_type === 'heun' ? second : -0.5 * phi;
        return combine([keep, sample], [slope / r0 - phi, m0], [-slope / r0, m1]);
      }
      const r1 = (lambda(index - 1) - lambda(index - 2)) / h;
      const d0 = combine([1 / r0, m0], [-1 / r0, m1]);
      const d1 = combine([1 / r1, m1], [-1 / r1, m2]);
      const bend = 1 / (r0 + r1);
      const third = -((phi + target.alpha * h) / h ** 2 - 0.5 * target.alpha);
      return combine(
        [keep, sample],
        [-phi, m0],
        [second * (1 + r0 * bend) + third * bend, d0],
        [-second * r0 * bend - third * bend, d1],
      );
    },
  };
}
