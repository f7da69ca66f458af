import * as z from 'zod';
import { off } from './config.ts';

/** Fields that samplers of flows share. */
export const flowCommon = {
  num_train_timesteps: z.number().int().min(2).max(100_000).default(1000),
  /** How far noise levels are moved towards noise, for large pictures (Esser et al. 2024). */
  shift: z.number().positive().max(1000).default(1),
  use_karras_sigmas: off,
  use_exponential_sigmas: off,
  use_beta_sigmas: off,
};

/** A noise level 0 … 1 of a flow, moved towards noise by a factor (Esser et al. 2024, arXiv:2403.03206, eq. 23). */
export function shifted(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}
