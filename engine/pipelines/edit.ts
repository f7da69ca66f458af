import type { CallOptions, EditMode, EditProgress, EditResult, PicturePart, Recipe } from '../api.ts';
import { InputError } from '../errors.ts';
import { countMacs } from '../graph/macs.ts';
import { compose, cropPicture, encodePicture } from '../pictures/compose.ts';
import { latentMask } from '../pictures/mask.ts';
import { gaussianNoise, START_NOISE, stepNoise } from '../pictures/noise.ts';
import type { Picture } from '../pictures/read.ts';
import { chooseWindow, type PictureWindow, windowMask, windowPlanes } from '../pictures/window.ts';
import { boundsOf } from '../regions/box.ts';
import { dilate } from '../regions/dilate.ts';
import type { Mask } from '../regions/mask.ts';
import { createScheduler } from '../schedulers/create.ts';
import { listen } from './denoise.ts';
import { batchOf, type Condition } from './guidance.ts';
import { type EditMemory, findStudy, keepStudy, type Studied, seedOf } from './memory.ts';
import { planarPredict } from './planar-unet.ts';
import { PREVIEW_INTERVAL_MS } from './preview.ts';
import { conditionFor, type ReadyModel } from './ready-model.ts';
import { type Coded, NO_RECORD, RegionAutoencoder } from './region-autoencoder.ts';
import { type Repainted, repaintDense, repaintSparse } from './repaint.ts';
import { LIMITS } from './request.ts';
import { RowsUNet } from './rows-unet.ts';

/** Latent positions computed around the mask; docs/measurements.md shows what more or fewer would give. */
export const DEFAULT_DILATION = 1;

/** Pixels inside the mask's edge over which the old picture fades into the new. */
const FEATHER = 6;

export interface EditTask {
  picture: Picture;
  /** At the picture's size. */
  mask: Mask;
  /** Of a soft mask; see `compose`. */
  coverage?: Uint8Array;
  recipe: Recipe;
  strength: number;
  mode: EditMode;
  dilation: number;
}

/** Paints the masked part of a picture anew. */
export async function edit(
  ready: ReadyModel,
  memory: EditMemory,
  task: EditTask,
  options: CallOptions<EditProgress> & { previews?: boolean } = {},
): Promise<EditResult> {
  const begin = performance.now();
  const { model, components } = ready;
  const { picture, mask, coverage, recipe, strength, mode } = task;
  const { signal } = options;
  const box = boundsOf(mask);
  if (!box) throw new InputError('The mask has no white pixel, so there is nothing to edit.');
  const { scale, latentChannels } = model.autoencoder;
  const window = chooseWindow(picture, box, { most: LIMITS.size.max });
  const { width, height } = window;
  const extent = { height: height / scale, width: width / scale };
  const scheduler = createScheduler(model.schedulerConfig, recipe.steps, recipe.scheduler);
  const steps = scheduler.timesteps.length;
  const start = Math.min(steps - 1, Math.max(0, steps - Math.round(steps * strength)));
  const report = (stage: EditProgress['stage'], step: number, preview?: PicturePart) =>
    options.onProgress?.({ stage, step, steps: steps - start, ...(preview && { preview }) });

  report('load', 0);
  await listen(signal);
  const foldUpsampling = RowsUNet.canFold(components.network('unet'), extent.height, extent.width);
  const rows = mode === 'sparse' ? await components.rowsUNet({ foldUpsampling, storage: 'int8' }) : undefined;
  const planar = mode === 'dense' ? await components.session('unet') : undefined;
  const loadSeconds = (performance.now() - begin) / 1000;

  report('encode', 0);
  await listen(signal);
  const { prompt, negativePrompt, guidance, seed } = recipe;
  const {
    condition,
    warnings,
    macs: text,
  } = await conditionFor(ready, prompt, negativePrompt, guidance, window);
  const autoencoder = new RegionAutoencoder(components);
  const planes = windowPlanes(picture, window);
  const before = await study(ready, memory, autoencoder, { picture, window, planes, condition });
  const { studied } = before;

  const wanted = latentMask(windowMask(mask, window), scale);
  const region = dilate(wanted, task.dilation);
  const length = latentChannels * extent.height * extent.width;
  const updated = crypto.randomUUID();
  const stepSeconds: number[] = [];
  let stepBegin = performance.now();
  const request = {
    process: studied.process,
    scheduler,
    start,
    mask: region,
    condition,
    noise: gaussianNoise(seed, START_NOISE, length),
    stepNoise: (index: number) => gaussianNoise(seed, stepNoise(index), length),
  };
  const decodeRegion = (latent: Float32Array) =>
    autoencoder.decodeRegion(
      latent,
      width,
      height,
      studied.decoded ?? { data: planes, record: NO_RECORD },
      region,
    );
  const finish = (decoded: Coded) => compose(picture, decoded.data, window, mask, FEATHER, coverage);
  let lastPreview = performance.now();
  const callbacks = {
    signal,
    onRecord: (index: number) => report('record', index - start),
    onStep: async (index: number, latent: () => Float32Array) => {
      stepSeconds.push((performance.now() - stepBegin) / 1000);
      const due = performance.now() - lastPreview > PREVIEW_INTERVAL_MS && index + 1 < steps;
      if (due && options.onProgress && options.previews !== false && model.autoencoder.kind === 'tiny') {
        const { width, height, ...part } = cropPicture(finish(await decodeRegion(latent())), box);
        const png = await encodePicture({ ...part, width, height });
        lastPreview = performance.now();
        report('denoise', index + 1 - start, { png, width, height, left: box.x.from, top: box.y.from });
      } else report('denoise', index + 1 - start);
      stepBegin = performance.now();
    },
  };
  const batch = batchOf(condition);
  const tokens = condition.text.dims[1]!;
  const denseStepMacs = countMacs(components.network('unet'), { ...extent, batch, tokens }).total;
  let repainted: Repainted;
  try {
    if (rows) repainted = await repaintSparse(rows, memory.features, request, updated, callbacks);
    else {
      const dims = [latentChannels, extent.height, extent.width];
      const predict = planarPredict(planar!, scheduler, dims, condition);
      repainted = await repaintDense(predict, request, denseStepMacs, callbacks);
    }
  } catch (error) {
    memory.features.drop(updated);
    throw error;
  }
  report('decode', steps - start);
  await listen(signal);
  const decoded =
    mode === 'sparse'
      ? await decodeRegion(repainted.latent)
      : await autoencoder.decode(repainted.latent, width, height);
  const result = finish(decoded);
  const png = await encodePicture(result, {
    ...recipe,
    width: picture.width,
    height: picture.height,
    strength,
  });
  if (mode === 'sparse') {
    const after: Studied = {
      window,
      process: { ...studied.process, id: updated, latent: repainted.latent },
      decoded: studied.decoded && decoded,
    };
    await keepStudy(memory, model.id, windowPlanes(result, window), batch, after);
  }
  const pixels = { height, width, batch: 1, tokens };
  const decoderMacs = countMacs(components.network('vae-decoder'), pixels).total;
  const encoderMacs = countMacs(components.network('vae-encoder'), pixels).total;
  return {
    picture: { png, width: picture.width, height: picture.height },
    recipe: { ...recipe, strength },
    macs: text + before.macs + repainted.macs + repainted.recordingMacs + decoded.macs,
    seconds: (performance.now() - begin) / 1000,
    loadSeconds,
    stepSeconds,
    warnings,
    activeFraction: repainted.activeFraction,
    denseMacs: text + encoderMacs + (steps - start) * denseStepMacs + decoderMacs,
    computed: repainted.active.map((level, l) => ({
      cell: scale * 2 ** l,
      left: window.left,
      top: window.top,
      width: level.width,
      height: level.height,
      positions: level.data,
    })),
    recordedSteps: repainted.recordedSteps,
    recordSeconds: repainted.recordSeconds,
    recordingMacs: repainted.recordingMacs,
  };
}

/** A picture's latents and process: remembered, or computed now. */
async function study(
  ready: ReadyModel,
  memory: EditMemory,
  autoencoder: RegionAutoencoder,
  seen: { picture: Picture; window: PictureWindow; planes: Float32Array; condition: Condition },
): Promise<{ studied: Studied; macs: number }> {
  const { picture, window, planes, condition } = seen;
  const { width, height } = window;
  const batch = batchOf(condition);
  const known = await findStudy(memory, ready.model.id, planes, window, batch);
  if (known) return { studied: known, macs: 0 };
  const encoded = await autoencoder.encode(planes, width, height);
  const decoded = autoencoder.needsRecord ? await autoencoder.decode(encoded.data, width, height) : undefined;
  // The picture's own prompt, where its file tells it; the process of a photograph is told nothing.
  const { prompt = '', negativePrompt = '' } = picture.recipe ?? {};
  const own = await conditionFor(ready, prompt, negativePrompt, condition.guidance, window);
  const seed = await seedOf(planes);
  const studied: Studied = {
    window,
    process: {
      id: crypto.randomUUID(),
      latent: encoded.data,
      noise: gaussianNoise(seed, START_NOISE, encoded.data.length),
      condition: own.condition,
    },
    decoded,
  };
  await keepStudy(memory, ready.model.id, planes, batch, studied);
  return { studied, macs: encoded.macs + (decoded?.macs ?? 0) };
}
