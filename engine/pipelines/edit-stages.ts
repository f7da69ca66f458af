import type { Recipe } from '../../shared/api.ts';
import { halfStepsOf, type StepKind } from '../../shared/stepPlan.ts';
import type { Denoiser } from '../execution/denoiser.ts';
import { type LatentDims, latentDims } from '../execution/latents.ts';
import { fullSteps, kindsOf, requireWholeSize } from '../execution/step-kinds.ts';
import { halvedWindow, type PictureWindow, workedSize } from '../pictures/window.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { ReadyModel } from './ready-model.ts';
import { startOf } from './recorder.ts';
import { schedulerFor } from './scheduler-for.ts';
import { requireHalf } from './stages.ts';

/** Steps of an edit that are taken at one resolution. */
export interface EditStage {
  /** What is worked on. */
  window: PictureWindow;
  /** Dimensions of its latents. */
  dims: LatentDims;
  scheduler: Scheduler;
  /** The first step that is computed, and the one after the last. */
  start: number;
  end: number;
}

/**
 * The stages of an edit of some strength: one, or two where its step plan begins at half the resolution.
 * @throws InputError if the model cannot compute the window at half its size, or the plan does not go with what steers
 */
export function editStagesOf(
  ready: Pick<ReadyModel, 'model' | 'controls' | 'references' | 'images' | 'regions'>,
  recipe: Recipe,
  strength: number,
  window: PictureWindow,
): [...before: EditStage[], last: EditStage] {
  const { model } = ready;
  const stageOf = (worked: PictureWindow, first: number, end?: number): EditStage => {
    const scheduler = schedulerFor(model, recipe, workedSize(worked));
    return {
      window: worked,
      dims: latentDims(model.autoencoder, workedSize(worked)),
      scheduler,
      start: Math.max(first, startOf(scheduler, strength)),
      end: end ?? scheduler.timesteps.length,
    };
  };
  const half = halfStepsOf(recipe.stepPlan);
  const whole = stageOf(window, half);
  if (half === 0) return [whole];
  if (ready.controls ?? ready.references ?? ready.images ?? ready.regions) requireWholeSize(recipe.stepPlan);
  requireHalf(model, workedSize(window), recipe.stepPlan);
  const first = stageOf(halvedWindow(window), 0, half);
  return first.start < half ? [first, whole] : [whole];
}

/** What the steps of a stage compute; undefined if it is all of them, in full. */
export function stageKinds(
  { scheduler, start, end }: EditStage,
  recipe: Pick<Recipe, 'stepPlan'>,
  denoiser: Denoiser,
): StepKind[] | undefined {
  const kinds = kindsOf(recipe, scheduler, denoiser, start);
  if (end === scheduler.timesteps.length) return kinds;
  return (kinds ?? fullSteps(scheduler, start)).slice(0, end - start);
}
