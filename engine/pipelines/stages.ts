import type { Recipe } from '../../shared/api.ts';
import { isSide } from '../../shared/sizes.ts';
import { halfStepsOf } from '../../shared/stepPlan.ts';
import { InputError } from '../errors.ts';
import { type DenoiseOptions, denoise, type Predict } from '../execution/denoise.ts';
import { doubledLatents, halfDims, halvedNoise } from '../execution/half-resolution.ts';
import { type LatentDims, latentDims } from '../execution/latents.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { gaussianNoise, stepNoise } from '../noise.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { schedulerFor } from './scheduler-for.ts';

/** Steps of an image that are taken at one resolution. */
export interface Stage {
  dims: LatentDims;
  scheduler: Scheduler;
  /** The first step, and the one after the last. */
  start: number;
  end: number;
}

/**
 * The stages of a new image: one, or two where its step plan begins at half the resolution.
 * @throws InputError if the model has no images of half the size
 */
export function stagesOf(model: DiffusionModel, recipe: Recipe): Stage[] {
  const { width, height, stepPlan } = recipe;
  const scheduler = schedulerFor(model, recipe, recipe);
  const half = halfStepsOf(stepPlan);
  const end = scheduler.timesteps.length;
  const whole = { dims: latentDims(model.autoencoder, recipe), scheduler, start: half, end };
  if (half === 0) return [whole];
  requireHalf(model, recipe, stepPlan);
  const size = { width: width / 2, height: height / 2 };
  return [
    { dims: halfDims(whole.dims), scheduler: schedulerFor(model, recipe, size), start: 0, end: half },
    whole,
  ];
}

/** @throws InputError if a model has no images of half a size, where a step plan needs them */
export function requireHalf(
  model: DiffusionModel,
  { width, height }: Pick<Recipe, 'width' | 'height'>,
  stepPlan: string | undefined,
): void {
  if (hasHalf(model, { width, height })) return;
  throw new InputError(
    `The step plan ${stepPlan} cannot be used: ${model.name} has no images of ${width / 2} × ${height / 2} pixels, half of ${width} × ${height}. Choose another size, or leave out the slash.`,
    { setting: 'size' },
  );
}

/** Whether a model has images of half a width and height. */
export function hasHalf(
  { sizes }: Pick<DiffusionModel, 'sizes'>,
  size: Pick<Recipe, 'width' | 'height'>,
): boolean {
  return isSide(size.width / 2, sizes) && isSide(size.height / 2, sizes);
}

interface StageOptions extends Pick<DenoiseOptions, 'signal'> {
  /** The noise that the image begins with, of the whole resolution. */
  noise: Float32Array;
  /** The image's seed. */
  seed: number;
  /** Computes the outputs of a stage, by its index. */
  predictOf(index: number): Predict | Promise<Predict>;
  onStepOf(stage: Stage): NonNullable<DenoiseOptions['onStep']>;
}

/** Takes all steps of an image, from noise. Resolves with the final latents. */
export async function denoiseStages(
  stages: readonly Stage[],
  { noise, seed, signal, predictOf, onStepOf }: StageOptions,
): Promise<Float32Array> {
  const { dims } = stages.at(-1)!;
  let latent: Float32Array = noise;
  let clean: (() => Float32Array) | undefined;
  for (const [i, stage] of stages.entries()) {
    const onStep = onStepOf(stage);
    const predict = await predictOf(i);
    latent = await denoise(predict, stage.scheduler, startOfStage(stage, { noise, dims }, clean?.()), {
      start: stage.start,
      end: stage.end,
      signal,
      noise: (index) => gaussianNoise(seed, stepNoise(index), stage.dims[0] * stage.dims[1] * stage.dims[2]),
      onStep: (index, sample, original) => {
        clean = original;
        return onStep(index, sample, original);
      },
    });
  }
  return latent;
}

/**
 * The sample with which a stage begins: noise, or what the stage before it predicts as the clean latents, enlarged, and
 * noised with the same noise.
 * @param noise of the whole resolution
 */
function startOfStage(
  { dims, scheduler, start }: Stage,
  whole: { noise: Float32Array; dims: LatentDims },
  clean?: Float32Array,
): Float32Array {
  if (clean) return scheduler.addNoise(doubledLatents(clean, dims), whole.noise, start);
  const noise = dims[1] === whole.dims[1] ? whole.noise : halvedNoise(whole.noise, whole.dims);
  return noise.map((value) => value * scheduler.initNoiseSigma);
}
