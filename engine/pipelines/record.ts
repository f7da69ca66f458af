import type { CallOptions, EditProgress, PrepareEditResult, Recipe } from '../../shared/api.ts';
import { readStepPlan } from '../../shared/stepPlan.ts';
import { RegionAutoencoder } from '../execution/crops/region-autoencoder.ts';
import { listen } from '../execution/denoise.ts';
import { fullSteps, isComputed, kindsFrom, waysOf } from '../execution/step-kinds.ts';
import type { Picture } from '../pictures/read.ts';
import { type PictureWindow, windowPlanes } from '../pictures/window.ts';
import { analyse } from './analyse.ts';
import type { EditCache } from './edit-cache.ts';
import { type EditStage, editStagesOf, stageKinds } from './edit-stages.ts';
import { prepareNetworks } from './prepare.ts';
import { conditionFor, type ReadyModel } from './ready-model.ts';
import { missingSteps, Recorder, startOf } from './recorder.ts';
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
  const stages = editStagesOf(ready, recipe, strength, window);
  const [first, steps] = [stages[0].start, stages.at(-1)!.end - stages[0].start];
  await listen(signal);
  await prepareNetworks(ready, recipe.precision, { signal });
  let [complete, recordedSteps] = [true, 0];
  for (const stage of stages) {
    const report = (index: number) => onProgress?.({ stage: 'record', step: index - first, steps });
    const recorded = await recordStage(ready, memory, { picture, recipe, stage }, report, signal);
    complete &&= recorded.complete;
    recordedSteps += recorded.recordedSteps;
  }
  return { complete, recordedSteps, seconds: (performance.now() - begin) / 1000 };
}

async function recordStage(
  ready: ReadyModel,
  memory: EditCache,
  { picture, recipe, stage }: { picture: Picture; recipe: Recipe; stage: EditStage },
  report: (index: number) => void,
  signal: AbortSignal | undefined,
): Promise<Pick<PrepareEditResult, 'complete' | 'recordedSteps'>> {
  const { components } = ready;
  const {
    window,
    scheduler,
    start,
    dims: [, height, width],
  } = stage;
  const { negativePrompt, guidance } = recipe;
  const { timesteps } = scheduler;
  const { condition } = await conditionFor(ready, '', negativePrompt, guidance, window, timesteps);
  const planes = windowPlanes(picture, window);
  const seen = { picture, window, planes, condition, arithmetic: recipe, timesteps };
  await listen(signal);
  const autoencoder = new RegionAutoencoder(components);
  const { analysis } = await analyse(ready, memory, autoencoder, seen);
  const { trajectory } = analysis;
  const denoiser = components.denoiser(recipe, {}, ready.images?.grids);
  const kinds = stageKinds(stage, recipe, denoiser);
  const image = { trajectory, scheduler, height, width, kinds, start };
  const recorder = new Recorder(denoiser, memory.features, image);
  for (const [i, { way }] of waysOf(timesteps, start, kinds).entries())
    if (way !== undefined) await recorder.featuresAt(start + i, way, signal, () => report(start + i));
  const complete = missingSteps(memory.features, trajectory.id, timesteps, start, kinds) === 0;
  if (complete) {
    await listen(signal);
    await denoiser.settle?.({ height, width }, true);
    await rehearse(denoiser, memory.features, autoencoder, image, { ...analysis, planes }, signal);
  }
  return { complete, recordedSteps: recorder.seconds.length };
}
