import type { CallOptions, EditProgress, PrepareEditResult, Recipe } from '../../shared/api.ts';
import { readStepPlan } from '../../shared/stepPlan.ts';
import { RegionAutoencoder } from '../execution/crops/region-autoencoder.ts';
import { listen } from '../execution/denoise.ts';
import { latentDims } from '../execution/latents.ts';
import {
  fullSteps,
  isComputed,
  kindsFrom,
  kindsOf,
  requireWholeSize,
  waysOf,
} from '../execution/step-kinds.ts';
import type { Picture } from '../pictures/read.ts';
import { type PictureWindow, windowPlanes, workedSize } from '../pictures/window.ts';
import { analyse } from './analyse.ts';
import type { EditCache } from './edit-cache.ts';
import { prepareNetworks } from './prepare.ts';
import { conditionFor, type ReadyModel } from './ready-model.ts';
import { missingSteps, Recorder, startOf, type Trajectory } from './recorder.ts';
import { rehearse } from './rehearse.ts';
import { schedulerFor } from './scheduler-for.ts';

interface RecordTask {
  picture: Picture;
  window: PictureWindow;
  /** Recipe of the expected edits; their prompts and seeds make no difference. */
  recipe: Recipe;
  strength: number;
}

/** How many steps an edit of some strength computes; others are forecast. */
export function editSteps(model: ReadyModel['model'], recipe: Recipe, strength: number): number {
  const scheduler = schedulerFor(model, recipe, recipe);
  const planned = readStepPlan(recipe.stepPlan ?? '')?.kinds ?? fullSteps(scheduler);
  return kindsFrom(planned, startOf(scheduler, strength)).filter(isComputed).length;
}

/**
 * Records the features that edits of a picture read, unless they are stored already. If this is cancelled, what has
 * been recorded stays.
 */
export async function record(
  ready: ReadyModel,
  memory: EditCache,
  { picture, window, recipe, strength }: RecordTask,
  { signal, onProgress }: CallOptions<EditProgress> = {},
): Promise<PrepareEditResult> {
  const begin = performance.now();
  const { components, model } = ready;
  const scheduler = schedulerFor(model, recipe, workedSize(window));
  const start = startOf(scheduler, strength);
  const steps = scheduler.timesteps.length - start;
  await listen(signal);
  await prepareNetworks(ready, recipe.precision, { signal });
  const { timesteps } = scheduler;
  const { condition } = await conditionFor(
    ready,
    '',
    recipe.negativePrompt,
    recipe.guidance,
    window,
    timesteps,
  );
  const planes = windowPlanes(picture, window);
  const seen = { picture, window, planes, condition, arithmetic: recipe, timesteps };
  await listen(signal);
  const autoencoder = new RegionAutoencoder(components);
  const { analysis } = await analyse(ready, memory, autoencoder, seen);
  const trajectory: Trajectory = analysis.trajectory;
  const [, height, width] = latentDims(model.autoencoder, workedSize(window));
  const denoiser = components.denoiser(recipe, {}, ready.images?.grids);
  requireWholeSize(recipe.stepPlan);
  const kinds = kindsOf(recipe, scheduler, denoiser, start);
  const image = { trajectory, scheduler, height, width, kinds };
  const recorder = new Recorder(denoiser, memory.features, image);
  for (const [i, { way }] of waysOf(timesteps, start, kinds).entries()) {
    if (way === undefined) continue;
    const report = () => onProgress?.({ stage: 'record', step: i, steps });
    await recorder.featuresAt(start + i, way, signal, report);
  }
  const complete = missingSteps(memory.features, trajectory.id, timesteps, start, kinds) === 0;
  const ofImage = { ...image, start };
  if (complete) {
    await listen(signal);
    await denoiser.settle?.({ height, width }, true);
    await rehearse(denoiser, memory.features, autoencoder, ofImage, { ...analysis, planes }, signal);
  }
  return {
    complete,
    recordedSteps: recorder.seconds.length,
    seconds: (performance.now() - begin) / 1000,
  };
}
