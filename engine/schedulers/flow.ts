import * as z from 'zod';
import { off, type SchedulerConfig } from './config.ts';

/** Fields that samplers of flows share. */
export const flowCommon = {
  num_train_timesteps: z.number().int().min(2).max(100_000).default(1000),
  /** How far noise levels are moved towards noise, for large pictures (Esser et al. 2024). */
  shift: z.number().min(1e-3).max(1000).default(1),
  use_karras_sigmas: off,
  use_exponential_sigmas: off,
  use_beta_sigmas: off,
};

/**
 * The shift of FLUX.2's pipelines: e^μ, with μ linear in the number of positions and, for images of up to 4300 of them,
 * in the number of steps (diffusers' `compute_empirical_mu`).
 */
export function dynamicShift({ positions }: SchedulerConfig, steps: number): number {
  if (positions === undefined) throw new Error('a dynamic shift needs the number of positions');
  const many = 0.00016927 * positions + 0.45666666;
  if (positions > 4300) return Math.exp(many);
  const few = 8.73809524e-5 * positions + 1.89833333;
  const slope = (many - few) / 190;
  return Math.exp(slope * (steps - 10) + few);
}

/** A noise level 0 … 1 of a flow, moved towards noise by a factor (Esser et al. 2024, arXiv:2403.03206, eq. 23). */
export function shifted(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}
