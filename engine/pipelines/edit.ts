import type { CallOptions, EditMode, EditProgress, EditResult, PicturePart, Recipe } from '../api.ts';
import { InputError } from '../errors.ts';
import { countMacs } from '../graph/macs.ts';
import type { Team } from '../parallel/team.ts';
import { compose, cropPicture, encodePicture } from '../pictures/compose.ts';
import { latentMask } from '../pictures/mask.ts';
import { gaussianNoise, START_NOISE, stepNoise } from '../pictures/noise.ts';
import type { Picture } from '../pictures/read.ts';
import { chooseWindow, windowMask, windowPlanes } from '../pictures/window.ts';
import { boundsOf } from '../regions/box.ts';
import type { Mask } from '../regions/mask.ts';
import { createScheduler } from '../schedulers/create.ts';
import { listen } from './denoise.ts';
import { densePredict } from './dense-unet.ts';
import { batchOf } from './guidance.ts';
import { type EditMemory, featuresOwner, keepStudy } from './memory.ts';
import { prepareUNet } from './prepare.ts';
import { PREVIEW_INTERVAL_MS } from './preview.ts';
import { conditionFor, type ReadyModel } from './ready-model.ts';
import { type Coded, NO_RECORD, RegionAutoencoder } from './region-autoencoder.ts';
import { repaintDense, repaintSparse } from './repaint.ts';
import { editedPicture, repaintShared } from './repaint-shared.ts';
import { LIMITS } from './request.ts';
import { study } from './study.ts';
import { beginTeamRun } from './team-run.ts';

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
  /** See `DEFAULT_DILATION`. */
  dilation: number;
}

export interface Edited {
  result: EditResult;
  /** Brings what is remembered up to date, so that the next edit of the new picture needs no recording. */
  remember: () => Promise<void>;
}

/** Paints the masked part of a picture anew. A team's workers compute the U-Net in place of this process. */
export async function edit(
  ready: ReadyModel,
  memory: EditMemory,
  task: EditTask,
  options: CallOptions<EditProgress> & { previews?: boolean; team?: Team } = {},
): Promise<Edited> {
  const begin = performance.now();
  const { model, components } = ready;
  const { picture, mask, coverage, recipe, strength } = task;
  const { signal, team } = options;
  const sparse = task.mode === 'sparse';
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
  await prepareUNet(ready, recipe.precision, {
    signal,
    report: (stage, step, steps) => options.onProgress?.({ stage, step, steps }),
  });
  const here = sparse && !team;
  if (here) await components.freeDrawing();
  const unet = here && (await components.editingUNet(extent, recipe));
  const loadSeconds = (performance.now() - begin) / 1000;

  report('encode', 0);
  await listen(signal);
  const { prompt, negativePrompt, guidance, seed } = recipe;
  const text = await conditionFor(ready, prompt, negativePrompt, guidance, window);
  const { condition } = text;
  const autoencoder = new RegionAutoencoder(components);
  const planes = windowPlanes(picture, window);
  const before = await study(ready, memory, autoencoder, {
    picture,
    window,
    planes,
    condition,
    arithmetic: recipe,
  });
  const { process, decoded: whole } = before.studied;

  const painted = latentMask(windowMask(mask, window), scale);
  const length = latentChannels * extent.height * extent.width;
  const request = {
    process,
    scheduler,
    start,
    mask: painted,
    condition,
    noise: gaussianNoise(seed, START_NOISE, length),
    stepNoise: (index: number) => gaussianNoise(seed, stepNoise(index), length),
  };
  const decodeRegion = (latent: Float32Array) =>
    autoencoder.decodeRegion(latent, width, height, whole ?? { data: planes, record: NO_RECORD }, painted);
  const finish = (decoded: Coded) => compose(picture, decoded.data, window, mask, FEATHER, coverage);
  const wantsPreviews = options.onProgress && options.previews !== false && model.autoencoder.kind === 'tiny';
  const stepSeconds: number[] = [];
  let stepBegin = performance.now();
  let lastPreview = performance.now();
  const callbacks = {
    signal,
    onRecord: (index: number) => report('record', index - start),
    onStep: async (index: number, latent: () => Float32Array) => {
      stepSeconds.push((performance.now() - stepBegin) / 1000);
      const due = performance.now() - lastPreview > PREVIEW_INTERVAL_MS && index + 1 < steps;
      if (due && wantsPreviews) {
        const part = cropPicture(finish(await decodeRegion(latent())), box);
        const { width, height } = part;
        const preview = { png: await encodePicture(part), width, height, left: box.x.from, top: box.y.from };
        lastPreview = performance.now();
        report('denoise', index + 1 - start, preview);
      } else report('denoise', index + 1 - start);
      stepBegin = performance.now();
    },
  };
  const batch = batchOf(condition);
  const tokens = condition.text.dims[1]!;
  const denseStepMacs = countMacs(
    components.network('unet'),
    { ...extent, batch, tokens },
    undefined,
    recipe.attention,
  ).total;
  const dims = [latentChannels, extent.height, extent.width];
  const run =
    team &&
    (await beginTeamRun(components, team, {
      precision: recipe.precision,
      condition,
      timesteps: scheduler.timesteps,
      dims,
      signal,
      ...(sparse && { edit: editedPicture(request, task.dilation) }),
    }));
  const repaint = async () => {
    if (run && sparse)
      return repaintShared(run, components.network('unet'), request, task.dilation, callbacks);
    if (run) return repaintDense(run.predict, request, denseStepMacs, callbacks);
    if (unet) return repaintSparse(unet, memory.features, request, task.dilation, callbacks);
    const predict = await densePredict(components, recipe, scheduler, dims, condition);
    return repaintDense(predict, request, denseStepMacs, callbacks);
  };
  const repainted = await repaint().catch((error: unknown) => {
    run?.end();
    throw error;
  });
  const workers = run?.report();
  if (!repainted.remember) run?.end();
  report('decode', steps - start);
  await listen(signal);
  const decoded = sparse
    ? await decodeRegion(repainted.latent)
    : await autoencoder.decode(repainted.latent, width, height);
  const result = finish(decoded);
  const png = await encodePicture(result, {
    ...recipe,
    width: picture.width,
    height: picture.height,
    strength,
  });
  const remember = async () => {
    if (!repainted.remember) return;
    const id = crypto.randomUUID();
    await repainted.remember(id);
    await keepStudy(memory, featuresOwner(model.id, recipe), windowPlanes(result, window), batch, {
      window,
      process: { ...process, id, latent: repainted.latent },
      decoded: whole && decoded,
    });
  };
  const pixels = { height, width, batch: 1, tokens };
  const decoderMacs = countMacs(components.network('vae-decoder'), pixels).total;
  const encoderMacs = countMacs(components.network('vae-encoder'), pixels).total;
  return {
    remember,
    result: {
      picture: { png, width: picture.width, height: picture.height },
      recipe: { ...recipe, strength },
      macs: text.macs + before.macs + repainted.macs + repainted.recordingMacs + decoded.macs,
      seconds: (performance.now() - begin) / 1000,
      loadSeconds,
      stepSeconds,
      ...(workers && { workers }),
      warnings: [...text.warnings, ...(run?.notices ?? [])],
      activeFraction: repainted.activeFraction,
      denseMacs: text.macs + encoderMacs + (steps - start) * denseStepMacs + decoderMacs,
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
    },
  };
}
