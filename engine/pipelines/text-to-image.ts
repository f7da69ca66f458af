import type { CallOptions, EncodedPicture, GenerateProgress, GenerateResult, Recipe } from '../api.ts';
import { InputError } from '../errors.ts';
import { countMacs } from '../graph/macs.ts';
import type { Team } from '../parallel/team.ts';
import { gaussianNoise, START_NOISE, stepNoise } from '../pictures/noise.ts';
import { encodePng } from '../pictures/png.ts';
import { decodePicture } from '../pictures/read.ts';
import { withRecipe } from '../pictures/recipe.ts';
import { windowPlanes } from '../pictures/window.ts';
import { float32, floats } from '../runtime/runtime.ts';
import { createScheduler } from '../schedulers/create.ts';
import type { Components } from './components.ts';
import { denoise, listen } from './denoise.ts';
import { densePredict } from './dense-unet.ts';
import { batchOf } from './guidance.ts';
import { type EditMemory, featuresOwner, keepStudy } from './memory.ts';
import type { MemoryPlan } from './memory-plan.ts';
import { prepareUNet } from './prepare.ts';
import { latentPreview, PREVIEW_INTERVAL_MS, PREVIEW_SHARE } from './preview.ts';
import { conditionFor, type ReadyModel } from './ready-model.ts';
import { type Coded, RegionAutoencoder } from './region-autoencoder.ts';
import { recordingPredict } from './repaint.ts';
import { beginTeamRun } from './team-run.ts';

/**
 * Draws a picture: prompt → text encoder → denoising loop → decoder → PNG. With a memory the features of every step
 * are kept there, so that edits of the picture begin at once. By the plan `apart` networks are freed after use.
 * A team's workers compute the U-Net in place of this process.
 */
export async function textToImage(
  ready: ReadyModel,
  recipe: Recipe,
  options: CallOptions<GenerateProgress> & {
    previews?: boolean;
    memory?: EditMemory;
    plan?: MemoryPlan;
    team?: Team;
  } = {},
): Promise<GenerateResult> {
  const { model, components } = ready;
  const begin = performance.now();
  const { signal } = options;
  const { scale, latentChannels } = model.autoencoder;
  const { width, height, steps, seed } = recipe;
  if (width % scale || height % scale)
    throw new InputError(`${model.name} makes pictures whose sides are multiples of ${scale} pixels.`);
  const scheduler = createScheduler(model.schedulerConfig, steps, recipe.scheduler);
  const report = (stage: GenerateProgress['stage'], step: number, preview?: EncodedPicture) =>
    options.onProgress?.({ stage, step, steps, ...(preview && { preview }) });

  report('load', 0);
  await listen(signal);
  await prepareUNet(ready, recipe.precision, {
    signal,
    report: (stage, step, steps) => options.onProgress?.({ stage, step, steps }),
  });
  const extent = { height: height / scale, width: width / scale };
  if (options.memory) await components.freeDrawing();
  const remembering = options.memory && (await components.editingUNet(extent, recipe));
  const apart = options.plan === 'apart';
  if (apart) await components.free('vae-decoder', 'vae-encoder');
  else await components.session('vae-decoder');
  let loadSeconds = (performance.now() - begin) / 1000;

  report('encode', 0);
  await listen(signal);
  const { prompt, negativePrompt, guidance } = recipe;
  const conditioning = await conditionFor(ready, prompt, negativePrompt, guidance, recipe);
  const { condition, warnings } = conditioning;
  if (apart) await components.free(...model.textParts);

  const dims = [latentChannels, extent.height, extent.width];
  const length = latentChannels * extent.height * extent.width;
  const noise = gaussianNoise(seed, START_NOISE, length);
  const id = crypto.randomUUID();
  const run =
    options.team &&
    (await beginTeamRun(components, options.team, {
      precision: recipe.precision,
      condition,
      timesteps: scheduler.timesteps,
      dims,
      signal,
    }));
  loadSeconds += run?.loadSeconds ?? 0;
  const predict =
    run?.predict ??
    (remembering
      ? await recordingPredict(remembering, options.memory!.features, id, scheduler, dims, condition)
      : await densePredict(components, recipe, scheduler, dims, condition));

  const autoencoder = new RegionAutoencoder(components);
  const decode = async (latent: Float32Array): Promise<EncodedPicture & { decoded?: Coded }> => {
    if (options.memory && autoencoder.needsRecord) {
      const decoded = await autoencoder.decode(latent, width, height);
      return { png: await encodePng(decoded.data, width, height), width, height, decoded };
    }
    return {
      png: await encodePng(await decodeLatent(components, latent, dims), width, height),
      width,
      height,
    };
  };
  const fast = model.autoencoder.kind === 'tiny' ? components : ready.preview;
  let nextPreview = performance.now() + PREVIEW_INTERVAL_MS;
  const preview = async (original: () => Float32Array): Promise<EncodedPicture | undefined> => {
    if (options.previews === false || !options.onProgress) return undefined;
    const begun = performance.now();
    if (begun < nextPreview) return undefined;
    const seen = fast
      ? { png: await encodePng(await decodeLatent(fast, original(), dims), width, height), width, height }
      : await latentPreview(original(), dims, model.autoencoder.scalingFactor);
    const end = performance.now();
    nextPreview = begun + Math.max(PREVIEW_INTERVAL_MS, PREVIEW_SHARE * (end - begun));
    return seen;
  };

  const stepSeconds: number[] = [];
  let stepBegin = performance.now();
  report('denoise', 0);
  const start = noise.map((value) => value * scheduler.initNoiseSigma);
  const process = denoise(predict, scheduler, start, {
    signal,
    noise: (index) => gaussianNoise(seed, stepNoise(index), length),
    onStep: async (index, _, original) => {
      stepSeconds.push((performance.now() - stepBegin) / 1000);
      report('denoise', index + 1, index + 1 < steps ? await preview(original) : undefined);
      stepBegin = performance.now();
    },
  });
  const latent = await process
    .catch((error: unknown) => {
      options.memory?.features.drop(id);
      throw error;
    })
    .finally(() => run?.end());
  report('decode', steps);
  await listen(signal);
  if (apart) await components.free('unet');
  const { decoded, ...picture } = await decode(latent);
  if (options.memory) {
    const window = { left: 0, top: 0, width, height };
    const planes = windowPlanes(await decodePicture(picture.png, 'The picture'), window);
    const studied = { window, process: { id, latent, noise, condition }, decoded };
    await keepStudy(options.memory, featuresOwner(model.id, recipe), planes, batchOf(condition), studied);
  }

  const batch = batchOf(condition);
  const tokens = condition.text.dims[1]!;
  const pixels = { height, width, tokens };
  const unetMacs =
    run?.report().reduce((total, worker) => total + worker.macs, 0) ??
    countMacs(components.network('unet'), { ...extent, batch, tokens }, undefined, recipe.attention).total *
      scheduler.timesteps.length;
  const macs =
    conditioning.macs +
    unetMacs +
    countMacs(components.network('vae-decoder'), { ...pixels, batch: 1 }).total;
  return {
    picture: { ...picture, png: withRecipe(picture.png, recipe) },
    recipe,
    macs,
    seconds: (performance.now() - begin) / 1000,
    loadSeconds,
    stepSeconds,
    ...(run && { workers: run.report() }),
    warnings: [...warnings, ...(run?.notices ?? [])],
  };
}

/** The picture [3, H, W] that the denoiser's latents [C, h, w] stand for, by these networks' decoder. */
async function decodeLatent(
  components: Components,
  latent: Float32Array,
  dims: readonly number[],
): Promise<Float32Array> {
  const { scalingFactor, shiftFactor } = components.model.autoencoder;
  const unscaled = latent.map((value) => value / scalingFactor + shiftFactor);
  const decoder = await components.session('vae-decoder');
  return floats(await decoder.run({ latent: float32(unscaled, [1, ...dims]) }), 'image');
}
