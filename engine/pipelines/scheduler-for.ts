import type { Recipe } from '../../shared/api.ts';
import { readStepPlan } from '../../shared/stepPlan.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { createScheduler } from '../schedulers/create.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';

/**
 * A model's sampler with the recipe's steps, for an image of some size in pixels or for the part of it that is edited.
 */
export function schedulerFor(
  { schedulerConfig, autoencoder, isXl }: Pick<DiffusionModel, 'schedulerConfig' | 'autoencoder' | 'isXl'>,
  {
    steps,
    scheduler,
    sigmas,
    stepPlan = '',
  }: Pick<Recipe, 'steps'> & Partial<Pick<Recipe, 'scheduler' | 'sigmas' | 'stepPlan'>>,
  { width, height }: { width: number; height: number },
): Scheduler {
  const positions = (width / autoencoder.scale) * (height / autoencoder.scale);
  return createScheduler(schedulerConfig, steps, scheduler, {
    positions,
    sigmas,
    isXl,
    timesteps: readStepPlan(stepPlan)?.timesteps,
  });
}
