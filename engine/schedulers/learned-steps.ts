/**
 * Multistep weights that were learnt for one model and one placement of a few steps, so that these end near where the
 * full process ends (as in S4S, Frankel et al. 2025, arXiv:2502.17423). `training/budget/solver.py` fits them.
 */
import * as z from 'zod';
import { LIMITS } from '../../shared/limits.ts';
import { InputError } from '../errors.ts';
import { combine, type Term } from './prediction.ts';

/** Clean samples of earlier steps that a step may use, its own included. */
export const LONGEST = 3;

const weight = z.number().min(-1e3).max(1e3);

/**
 * `learned_steps` of a scheduler's config. `weights[i]` are those of step i: of the sample that it begins with, then of the
 * clean samples predicted at this step and the ones before it, newest first.
 */
export const learnedSteps = z
  .array(
    z.object({
      timesteps: z.array(z.number().int().min(0)).min(1).max(LIMITS.steps.max),
      weights: z
        .array(
          z
            .array(weight)
            .min(2)
            .max(LONGEST + 1),
        )
        .max(LIMITS.steps.max),
    }),
  )
  .max(16);

/**
 * The weights that were learnt for just these timesteps, if there are any.
 * @throws InputError if there are not as many weights as a step can use
 */
export function learnedWeights(
  learned: z.output<typeof learnedSteps> = [],
  timesteps: readonly number[],
  file: string,
): number[][] | undefined {
  const weights = learned.find((one) => String(one.timesteps) === String(timesteps))?.weights;
  if (weights && (weights.length !== timesteps.length || weights.some((row, i) => row.length > i + 2)))
    throw new InputError(
      `${file}: learned_steps must have a list of weights for each timestep, of the sample and of at most ${LONGEST} clean samples predicted until then.`,
    );
  return weights;
}

/** The next sample. An edit may begin at any step; the oldest clean sample that it has stands for older ones. */
export function taken(
  [kept = 1, ...weights]: readonly number[],
  sample: Float32Array,
  originals: readonly Float32Array[],
): Float32Array {
  const used = originals.slice(0, weights.length);
  const missing = weights.slice(used.length).reduce((sum, one) => sum + one, 0);
  return combine(
    [kept, sample],
    ...used.map((original, i): Term => [weights[i]! + (i === used.length - 1 ? missing : 0), original]),
  );
}
