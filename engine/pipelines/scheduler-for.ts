import type { Recipe } from '../../shared/api.ts';
import { readStepPlan } from '../../shared/stepPlan.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { createScheduler } from '../schedulers/create.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';

/** A model's sampler, with its steps where the recipe places them, for an image of some size in pixels, or for the part of it that is worked on. */
export function schedulerFor(
  { schedulerConfig, autoencoder }: Pick<DiffusionModel, 'schedulerConfig' | 'autoencoder'>,
  {
    steps,
    scheduler,
    stepPlan = '',
  }: Pick<Recipe, 'steps'> & Partial<Pick<Recipe, 'scheduler' | 'stepPlan'>>,
  { width, height }: { width: number; height: number },
): Scheduler {
  const positions = (width / autoencoder.scale) * (height / autoencoder.scale);
  return createScheduler(schedulerConfig, steps, scheduler, {
    positions,
    timesteps: readStepPlan(stepPlan)?.timesteps,
  });
}
