import type {
  CallOptions,
  EncodedPicture,
  GenerateProgress,
  GenerateResult,
  Recipe,
} from '../../shared/api.ts';
import type { StepKind } from '../../shared/stepPlan.ts';
import type { Components } from '../execution/components.ts';
import { batchOf, type Condition } from '../execution/condition.ts';
import { type Coded, RegionAutoencoder } from '../execution/crops/region-autoencoder.ts';
import { type DenoiseOptions, listen, type Predict } from '../execution/denoise.ts';
import type { Denoiser } from '../execution/denoiser.ts';
import { seesMask } from '../execution/denoiser-inputs.ts';
import { fromLatents, type LatentDims } from '../execution/latents.ts';
import type { MemoryPlan } from '../execution/memory-plan.ts';
import type { Share } from '../execution/shared-run.ts';
import {
  computedOnly,
  fullSteps,
  kindsOf,
  requireShareable,
  requireWholeSize,
} from '../execution/step-kinds.ts';
import { Steps, stepsMacs } from '../execution/steps.ts';
import { decodeInTiles } from '../execution/tiles.ts';
import { countMacs } from '../graph/macs.ts';
import { float32, floats } from '../graph/tensor.ts';
import { gaussianNoise, START_NOISE } from '../noise.ts';
import { requireFinite } from '../numbers.ts';
import { encodePng } from '../pictures/png.ts';
import { decodePicture } from '../pictures/read.ts';
import { withRecipe } from '../pictures/recipe.ts';
import { windowPlanes } from '../pictures/window.ts';
import { type EditCache, featuresOwner, keepAnalysis } from './edit-cache.ts';
import { drawingPlanes } from './inpainting.ts';
import { prepareNetworks } from './prepare.ts';
import { latentPreview, Previews } from './preview.ts';
import { Progress } from './progress.ts';
import { conditionFor, type ReadyModel } from './ready-model.ts';
import type { Trajectory } from './recorder.ts';
import { recordingPredict } from './repaint.ts';
import { SharedStages } from './shared-stages.ts';
import { denoiseStages, type Stage, stagesOf } from './stages.ts';

interface DrawOptions extends CallOptions<GenerateProgress> {
  previews?: boolean;
  memory?: EditCache;
  plan?: MemoryPlan;
  share?: Share;
}

/**
 * Generates an image: prompt → text encoder → denoising loop → decoder → PNG. With a memory, the features of every step
 * are stored there, so that edits of the image start at once. With the plan `apart`, networks are freed after use.
 * Workers, if there are any, compute the denoiser instead of this process.
 */
export async function textToImage(
  ready: ReadyModel,
  recipe: Recipe,
  options: DrawOptions = {},
): Promise<GenerateResult> {
  const { model, components } = ready;
  const begin = performance.now();
  const { signal } = options;
  const { width, height, seed } = recipe;
  const stages = stagesOf(model, recipe);
  const { dims, scheduler } = stages.at(-1)!;
  const { timesteps } = scheduler;
  // Runs of the network: some samplers take two for each step.
  const steps = timesteps.length;
  const progress = new Progress<GenerateProgress>(options.onProgress, steps);
  const prepared = await prepareDrawing(ready, recipe, { stages, progress }, options);
  const { denoiser, memory, kinds, computed, apart, conditions } = prepared;
  const tiles = options.plan === 'tiled';

  const noise = gaussianNoise(seed, START_NOISE, dims[0] * dims[1] * dims[2]);
  const id = crypto.randomUUID();
  const shared = await shareStages(ready, recipe, stages, prepared, options);
  const predictOf = (steps: Steps): Predict =>
    memory
      ? recordingPredict(steps, memory.features, id, timesteps)
      : async (sample, index) => (await steps.predict(sample, index)).output;

  progress.begin();
  progress.stage('denoise');
  const latent = await denoiseStages(stages, {
    noise,
    seed,
    signal,
    predictOf: (i) => shared?.predictOf(i) ?? predictOf(computed[i]!),
    onStepOf: ({ dims }) => stepReport(ready, dims, progress, options),
  })
    .catch((error: unknown) => {
      memory?.features.drop(id);
      throw error;
    })
    .finally(() => shared?.end());
  progress.stage('decode', steps);
  await listen(signal);
  if (apart) await components.free('denoiser');
  const { picture, decoded } = await decode(components, latent, dims, {
    record: memory !== undefined,
    tiles,
    signal,
  });
  if (memory) {
    const condition = conditions.at(-1)!;
    await rememberDrawn(ready, memory, recipe, picture, { id, latent, noise, condition }, decoded);
  }
  const workers = shared?.report();
  return {
    picture: { ...picture, png: withRecipe(picture.png, recipe) },
    recipe,
    macs:
      prepared.macs +
      (workers?.reduce((total, worker) => total + worker.macs, 0) ??
        macsOfStages(denoiser, stages, kinds, conditions)) +
      countMacs(components.network('vae-decoder'), { width, height, batch: 1, tokens: 0 }).total,
    seconds: (performance.now() - begin) / 1000,
    loadSeconds: prepared.loadSeconds + (shared?.loadSeconds ?? 0),
    stepSeconds: computedOnly(progress.stepSeconds, kinds),
    ...(workers && { workers }),
    warnings: [...prepared.warnings, ...(shared?.notices ?? []), ...(tiles ? [TILED] : [])],
  };
}

/** Loads the networks as the memory allows, and encodes the prompt. */
async function prepareDrawing(
  ready: ReadyModel,
  recipe: Recipe,
  drawing: { stages: readonly Stage[]; progress: Progress<GenerateProgress> },
  { signal, memory: given, plan, share }: DrawOptions,
) {
  const { model, components } = ready;
  const { stages, progress } = drawing;
  const { scheduler } = stages.at(-1)!;
  const begin = performance.now();
  const network = components.network('denoiser');
  const inpaints = seesMask(network, model.autoencoder.latentChannels);
  // A model that sees the mask saw nothing but mask: its features are not those of the finished picture.
  const memory = inpaints ? undefined : given;
  progress.stage('load');
  await listen(signal);
  await prepareNetworks(ready, recipe.precision, { signal, report: progress.own });
  const denoiser = components.denoiser(recipe, {}, ready.images?.grids);
  const planned = kindsOf(recipe, scheduler, denoiser);
  const kinds = planned ?? fullSteps(scheduler);
  if (share) requireShareable(kinds);
  if (ready.controls ?? ready.references ?? ready.images ?? ready.regions) requireWholeSize(recipe.stepPlan);
  const apart = plan === 'apart' || plan === 'tiled';
  if (apart) await components.free('vae-decoder', 'vae-encoder');
  else await components.program('vae-decoder');
  const loadSeconds = (performance.now() - begin) / 1000;

  progress.stage('encode');
  await listen(signal);
  const { prompt, negativePrompt, guidance } = recipe;
  const encoded = await conditionFor(ready, prompt, negativePrompt, guidance, recipe, scheduler.timesteps);
  const conditions: Condition[] = [];
  for (const { dims } of stages)
    conditions.push({ ...encoded.condition, ...(await drawingPlanes(components, dims)) });
  if (apart) await components.free(...model.textRoles, 'vae-encoder');
  const encodedAt = performance.now();
  const computed: Steps[] = [];
  for (const [i, { dims, scheduler, start, end }] of share ? [] : stages.entries()) {
    const whole = { of: 'whole', height: dims[1], width: dims[2], ...(memory && { records: true }) } as const;
    const taken = kinds.slice(start, end);
    computed.push(await Steps.open(denoiser, whole, scheduler, conditions[i]!, taken, start));
  }
  const seconds = loadSeconds + (performance.now() - encodedAt) / 1000;
  return { ...encoded, conditions, denoiser, memory, planned, kinds, computed, apart, loadSeconds: seconds };
}

/** Hands the stages to workers, if there are any. The caller ends them. */
async function shareStages(
  { components }: ReadyModel,
  { precision }: Recipe,
  stages: readonly Stage[],
  { conditions, planned: kinds, denoiser: { shallow } }: Awaited<ReturnType<typeof prepareDrawing>>,
  { share, signal }: DrawOptions,
): Promise<SharedStages | undefined> {
  if (!share) return undefined;
  const { timesteps } = stages.at(-1)!.scheduler;
  const network = components.network('denoiser');
  const picture = { network, precision, timesteps, signal, ...(kinds && { kinds, shallow }) };
  return await SharedStages.open(share, stages, conditions, picture);
}

/** Multiply–accumulates of all steps. */
function macsOfStages(
  denoiser: Denoiser,
  stages: readonly Stage[],
  kinds: readonly StepKind[],
  conditions: readonly Condition[],
): number {
  return stages.reduce((sum, { dims: [, height, width], start, end }, i) => {
    return sum + stepsMacs(denoiser, kinds.slice(start, end), { height, width }, conditions[i]!);
  }, 0);
}

/** Reports each step, with a preview if one is wanted. */
function stepReport(
  ready: ReadyModel,
  dims: LatentDims,
  progress: Progress<GenerateProgress>,
  { onProgress, previews: wanted }: DrawOptions,
): NonNullable<DenoiseOptions['onStep']> {
  const previews = new Previews((latent) => previewOf(ready, latent, dims));
  const hasPreviews = onProgress && wanted !== false;
  return (index, _, original) =>
    progress.stepped(index + 1, async () => (hasPreviews ? previews.next(original) : undefined));
}

/** Stores what edits of a new image read, beside the features that its steps have stored. */
async function rememberDrawn(
  ready: ReadyModel,
  memory: EditCache,
  recipe: Recipe,
  { png, width, height }: EncodedPicture,
  trajectory: Trajectory,
  decoded: Coded | undefined,
): Promise<void> {
  const window = { left: 0, top: 0, width, height };
  const planes = windowPlanes(await decodePicture(png, 'The picture'), window);
  const owner = featuresOwner(ready, recipe);
  await keepAnalysis(memory, owner, planes, batchOf(trajectory.condition), { window, trajectory, decoded });
}

/** Warning for an image that was decoded in tiles. */
export const TILED =
  'Memory is short, so the image was decoded in tiles; its colours may differ a little from those of a whole decoding.';

/** Preview of latents: decoded if there is a fast decoder, else a few colours. */
async function previewOf(
  { model, components, preview }: ReadyModel,
  latent: Float32Array,
  dims: LatentDims,
): Promise<EncodedPicture | undefined> {
  const fast = model.autoencoder.kind === 'tiny' ? components : preview;
  if (!fast) return latentPreview(latent, dims, model.autoencoder);
  return (await decode(fast, latent, dims)).picture;
}

/** Decodes latents; `record`: keeps what later decoding of a region reads; `tiles`: one part after another. */
async function decode(
  components: Components,
  latent: Float32Array,
  dims: LatentDims,
  { record = false, tiles = false, signal }: { record?: boolean; tiles?: boolean; signal?: AbortSignal } = {},
): Promise<{ picture: EncodedPicture; decoded?: Coded }> {
  const { scale } = components.model.autoencoder;
  const [height, width] = [scale * dims[1], scale * dims[2]];
  const pictureOf = async (planes: Float32Array) => {
    await listen(signal);
    return { png: await encodePng(planes, width, height), width, height };
  };
  const autoencoder = new RegionAutoencoder(components);
  if (record && autoencoder.needsRecord) {
    const decoded = await autoencoder.decode(latent, width, height);
    return { picture: await pictureOf(decoded.data), decoded };
  }
  const part = (tile: Float32Array, tileDims: LatentDims) => decodeLatent(components, tile, tileDims);
  const planes = tiles ? await decodeInTiles(latent, dims, scale, part) : await part(latent, dims);
  return { picture: await pictureOf(planes) };
}

/** Decodes latents [C, h, w] to an image [3, H, W] with these networks' decoder. */
export async function decodeLatent(
  components: Components,
  latent: Float32Array,
  dims: LatentDims,
): Promise<Float32Array> {
  const unscaled = fromLatents(latent, components.model.autoencoder);
  const decoder = await components.program('vae-decoder');
  const image = floats(await decoder.run({ latent: float32(unscaled, [1, ...dims]) }), 'image');
  requireFinite(image, 'The autoencoder, in decoding,');
  return image;
}
