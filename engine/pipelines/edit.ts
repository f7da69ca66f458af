import type {
  CallOptions,
  ComputedLevel,
  EditMode,
  EditProgress,
  EditResult,
  PicturePart,
  Recipe,
  ZoomMode,
} from '../../shared/api.ts';
import { COLOUR_STRENGTH } from '../../shared/limits.ts';
import { InputError } from '../errors.ts';
import type { Components } from '../execution/components.ts';
import { batchOf, type Condition } from '../execution/condition.ts';
import { type Coded, NO_RECORD, RegionAutoencoder } from '../execution/crops/region-autoencoder.ts';
import { listen, type Predict } from '../execution/denoise.ts';
import type { Denoiser } from '../execution/denoiser.ts';
import { seesMask } from '../execution/denoiser-inputs.ts';
import { type LatentDims, latentDims } from '../execution/latents.ts';
import type { Share, SharedRun } from '../execution/shared-run.ts';
import {
  ALONE,
  computedOnly,
  fullSteps,
  isComputed,
  kindsOf,
  requireWholeSize,
} from '../execution/step-kinds.ts';
import { Steps, stepsMacs } from '../execution/steps.ts';
import { countMacs } from '../graph/macs.ts';
import { gaussianNoise, START_NOISE, stepNoise } from '../noise.ts';
import { compose, cropPicture, encodePicture, rasterOf } from '../pictures/compose.ts';
import { shrunk } from '../pictures/enlarge.ts';
import type { Picture } from '../pictures/read.ts';
import { type PictureWindow, windowMask, windowPlanes, workedSize } from '../pictures/window.ts';
import { windowFor } from '../pictures/zoom.ts';
import { type Box, boundsOf } from '../regions/box.ts';
import { activeCount, coarser, type Mask } from '../regions/mask.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { analyse } from './analyse.ts';
import { type Analysis, type EditCache, featuresOwner, keepAnalysis } from './edit-cache.ts';
import { fasterMode } from './edit-mode.ts';
import { editPlanes, recordingPlanes } from './inpainting.ts';
import { prepareNetworks } from './prepare.ts';
import { Previews } from './preview.ts';
import { Progress } from './progress.ts';
import { conditionFor, type ReadyModel } from './ready-model.ts';
import { missingSteps, startOf, type Trajectory } from './recorder.ts';
import {
  type Callbacks,
  type Repainted,
  type RepaintRequest,
  repaintDense,
  repaintSparse,
} from './repaint.ts';
import { editedPicture, repaintShared } from './repaint-shared.ts';
import { schedulerFor } from './scheduler-for.ts';
import { TILED } from './text-to-image.ts';

/** Pixels inside the mask's edge over which the old picture fades into the new. */
const FEATHER = 6;

interface EditTask {
  picture: Picture;
  /** The picture under the colours that the masked part starts from. */
  coloured?: Picture;
  /** At the picture's size. */
  mask: Mask;
  /** For a soft mask; see `compose`. */
  coverage?: Uint8Array;
  recipe: Recipe;
  strength: number;
  /** See `EditRequest`. */
  maskOf?: string | undefined;
  mode: EditMode;
  /** Latent positions around the mask that are computed with it; see `Denoiser.ring`. */
  dilation: number;
  zoom: ZoomMode;
}

interface Edited {
  result: EditResult;
  /** Brings what is remembered up to date, so that the next edit of the new picture needs no recording. */
  remember: () => Promise<void>;
}

/** Where and when an edit happens. */
interface Scope {
  window: PictureWindow;
  /** Bounds of the mask, in pixels of the picture. */
  box: Box;
  /** Dimensions of the window's latents. */
  dims: LatentDims;
  scheduler: Scheduler;
  /** The first step that is computed. */
  start: number;
}

interface EditOptions extends CallOptions<EditProgress> {
  previews?: boolean;
  /** The autoencoder works in tiles: memory is short, or a value is larger than a buffer of the device. */
  tiles?: boolean;
  /** Workers that compute the denoiser in place of this process. */
  share?: Share;
  /** Gives pixels instead of a file. */
  raw?: boolean;
}

/** Repaints the masked part of a picture. */
export async function edit(
  ready: ReadyModel,
  memory: EditCache,
  task: EditTask,
  options: EditOptions = {},
): Promise<Edited> {
  const begin = performance.now();
  const scope = scopeOf(ready, task);
  const { window, scheduler, start } = scope;
  const steps = scheduler.timesteps.length - start;
  const progress = new Progress<EditProgress>(options.onProgress, steps);
  const prepared = await prepareEdit(ready, memory, task, scope, progress, options);
  const { loadSeconds, mode, denoiser, request, text, before, known, coloured } = prepared;
  const decoder = decoderOf(prepared, task, scope);
  const callbacks = callbacksOf(ready, scope, progress, decoder, options);
  const { share } = options;
  progress.begin();
  const { repainted, run } = await repaint(ready, memory, { ...prepared, task, scope, callbacks, share });
  const workers = run?.report();
  progress.stage('decode', steps);
  await listen(options.signal);
  const decoded = await (mode === 'sparse'
    ? decoder.region(repainted.latent)
    : decoder.whole(repainted.latent));
  await listen(options.signal);
  const result = decoder.finish(decoded);
  await listen(options.signal);
  const { components } = ready;
  const { condition } = request;
  const edited: EditedPicture = { repainted, decoded, result, batch: batchOf(condition) };
  const besides = text.macs + before.macs + (known?.macs ?? 0) + (coloured?.macs ?? 0) + decoded.macs;
  return {
    remember: () => rememberEdit(ready, memory, scope, task, before.analysis, edited),
    result: {
      mode,
      ...(await delivered(result, task, options.raw)),
      recipe: recipeOf(task),
      macs: besides + repainted.macs + repainted.recordingMacs,
      seconds: (performance.now() - begin) / 1000,
      loadSeconds,
      stepSeconds: computedOnly(progress.stepSeconds, request.kinds),
      ...(workers && { workers }),
      warnings: [
        ...text.warnings,
        ...lostColours(task, scope),
        ...(run?.notices ?? []),
        ...(options.tiles ? [TILED] : []),
      ],
      activeFraction: repainted.activeFraction,
      denseMacs: text.macs + codingMacs(components, scope) + wholeMacs(denoiser, scope, request),
      computed: computedLevels(repainted, ready.model.autoencoder.scale, window),
      recordedSteps: repainted.recordedSteps,
      recordSeconds: repainted.recordSeconds,
      recordingMacs: repainted.recordingMacs,
    },
  };
}

type PreparedEdit = Awaited<ReturnType<typeof prepareEdit>>;

/** Loads the networks, encodes prompt and picture, and chooses how the edit is computed. */
async function prepareEdit(
  ready: ReadyModel,
  memory: EditCache,
  task: EditTask,
  scope: Scope,
  progress: Progress<EditProgress>,
  { signal, share, tiles }: EditOptions,
) {
  const begin = performance.now();
  const { picture, recipe } = task;
  const { window, scheduler } = scope;
  const size = workedSize(window);
  progress.stage('load');
  await listen(signal);
  await prepareNetworks(ready, recipe.precision, { signal, report: progress.own });
  const denoiser = ready.components.denoiser(recipe, {}, ready.images?.grids);
  const painted = coarser(windowMask(task.mask, window), size.width / scope.dims[2]);
  const loaded = performance.now();

  progress.stage('encode');
  await listen(signal);
  const { prompt, negativePrompt, guidance } = recipe;
  const { timesteps } = scheduler;
  const text = await conditionFor(ready, prompt, negativePrompt, guidance, size, timesteps);
  const autoencoder = new RegionAutoencoder(ready.components, { tiles });
  const planes = windowPlanes(picture, window);
  const seen = { picture, window, planes, condition: text.condition, arithmetic: recipe, timesteps };
  const before = await analyse(ready, memory, autoencoder, seen);
  requireWholeSize(recipe.stepPlan);
  const kinds = kindsOf(recipe, scheduler, denoiser, scope.start);
  const blind = { ...requestOf(task, scope, before.analysis.trajectory, text.condition, painted), kinds };
  const analysed = performance.now();
  const { mode, region } = await chosenMode(denoiser, memory, blind, task, share);
  const loadSeconds = (loaded - begin + performance.now() - analysed) / 1000;
  const known = await maskedPicture(ready, autoencoder, before.analysis, planes, scope, blind, {
    ...task,
    mode,
  });
  const condition = known ? { ...text.condition, planes: known.planes } : text.condition;
  const coloured = await colouredPicture(autoencoder, before.analysis, task, scope, painted);
  const request = { ...blind, condition, origin: coloured?.data };
  return { loadSeconds, denoiser, autoencoder, planes, text, before, known, coloured, request, mode, region };
}

type EditDecoder = ReturnType<typeof decoderOf>;

/** Latents → pixels of the window → the picture with the masked part replaced. */
function decoderOf(
  { autoencoder, planes, before, request }: PreparedEdit,
  { picture, mask, coverage }: EditTask,
  { window }: Scope,
) {
  const { width, height } = workedSize(window);
  const known = before.analysis.decoded ?? { data: planes, record: NO_RECORD };
  return {
    whole: (latent: Float32Array) => autoencoder.decode(latent, width, height),
    region: (latent: Float32Array) => autoencoder.decodeRegion(latent, width, height, known, request.mask),
    finish: ({ data }: Coded) =>
      compose(picture, shrunk(data, window, window.zoom ?? 1), window, mask, FEATHER, coverage),
  };
}

/** Reports each step, with a preview if one is wanted and decoding is fast. */
function callbacksOf(
  { model }: ReadyModel,
  { box, start }: Scope,
  progress: Progress<EditProgress>,
  decoder: EditDecoder,
  { signal, onProgress, previews: wanted }: EditOptions,
): Callbacks {
  const hasPreviews = onProgress && wanted !== false && model.autoencoder.kind === 'tiny';
  const previews = new Previews(async (latent) => partOf(decoder.finish(await decoder.region(latent)), box));
  return {
    signal,
    onRecord: (index) => progress.stage('record', index - start),
    onStep: (index, latent) =>
      progress.stepped(index + 1 - start, async () => (hasPreviews ? previews.next(latent) : undefined)),
  };
}

/** The outcome of an edit, as far as later edits need it. */
interface EditedPicture {
  repainted: Repainted;
  decoded: Coded;
  result: Picture;
  batch: number;
}

/** Keeps what edits of the edited image read. */
async function rememberEdit(
  ready: ReadyModel,
  memory: EditCache,
  { window, dims }: Scope,
  { recipe }: EditTask,
  { trajectory, decoded: whole, encoded }: Analysis,
  { repainted, decoded, result, batch }: EditedPicture,
): Promise<void> {
  if (!repainted.remember) return;
  const { latent } = repainted;
  const id = crypto.randomUUID();
  await repainted.remember(id);
  const shown = recordingPlanes(ready.components, latent, dims);
  await keepAnalysis(memory, featuresOwner(ready, recipe), windowPlanes(result, window), batch, {
    window,
    trajectory: { ...trajectory, id, latent, condition: { ...trajectory.condition, ...shown } },
    decoded: whole && decoded,
    ...(shown.planes && { encoded: { data: latent, record: encoded!.record, macs: 0 } }),
  });
}

function recipeOf({ recipe, strength, maskOf }: EditTask): Recipe {
  return { ...recipe, strength, ...(maskOf && { maskOf }) };
}

/** The new image as a file with its recipe, or as pixels. */
async function delivered(result: Picture, task: EditTask, raw = false) {
  const { width, height } = result;
  const size = { width, height };
  if (raw) return { picture: { png: new Uint8Array(), ...size }, pixels: rasterOf(result) };
  return { picture: { png: await encodePicture(result, { ...recipeOf(task), ...size }), ...size } };
}

function computedLevels(
  { active }: Repainted,
  scale: number,
  { left, top, zoom = 1 }: PictureWindow,
): ComputedLevel[] {
  return active.map(({ width, height, data: positions }, level) => ({
    cell: (scale * 2 ** level) / zoom,
    left,
    top,
    width,
    height,
    positions,
  }));
}

/** The planes that show the mask to a model that sees it. */
async function maskedPicture(
  { components }: ReadyModel,
  autoencoder: RegionAutoencoder,
  { encoded }: Analysis,
  planes: Float32Array,
  { window, dims }: Scope,
  { mask: painted }: RepaintRequest,
  { mask, mode, dilation }: EditTask,
) {
  if (!seesMask(components.network('denoiser'), dims[0])) return undefined;
  const hole = windowMask(mask, window);
  const before = mode === 'dense' ? undefined : encoded;
  const part = before && { encoded: before, ring: dilation };
  return editPlanes(autoencoder, { planes, window, hole, painted, ...part }, dims);
}

/** The latents of the picture under its colours, right where it is painted; undefined without colours. */
async function colouredPicture(
  autoencoder: RegionAutoencoder,
  { trajectory: { latent }, encoded }: Analysis,
  { coloured }: EditTask,
  { window }: Scope,
  painted: Mask,
): Promise<Coded | undefined> {
  if (!coloured) return undefined;
  const { width, height } = workedSize(window);
  const planes = windowPlanes(coloured, window);
  const before = encoded ?? (autoencoder.needsRecord ? undefined : { data: latent, record: NO_RECORD });
  return before
    ? await autoencoder.encodeRegion(planes, width, height, before, painted)
    : await autoencoder.encode(planes, width, height);
}

/** At full strength the masked part starts from noise alone. */
function lostColours({ coloured }: EditTask, { start }: Scope): string[] {
  return coloured && start === 0
    ? [`Nothing of the painted colours is left at this strength: choose less, such as ${COLOUR_STRENGTH}.`]
    : [];
}

function scopeOf({ model }: ReadyModel, { picture, mask, recipe, strength, zoom }: EditTask): Scope {
  const box = boundsOf(mask);
  if (!box) throw new InputError('The mask has no white pixel, so it selects nothing.');
  const window = windowFor(picture, box, model, zoom);
  const scheduler = schedulerFor(model, recipe, workedSize(window));
  return {
    window,
    box,
    dims: latentDims(model.autoencoder, workedSize(window)),
    scheduler,
    start: startOf(scheduler, strength),
  };
}

/**
 * How an edit is computed, with the plan of its region if this process computes it: for `auto` the mode that is
 * expected to take less time. Workers record a picture as they paint it, so their edits are sparse.
 */
async function chosenMode(
  denoiser: Denoiser,
  { features }: EditCache,
  { trajectory, scheduler, start, mask, condition, kinds }: RepaintRequest,
  { mode, dilation }: EditTask,
  share: Share | undefined,
): Promise<{ mode: Exclude<EditMode, 'auto'>; region?: Steps }> {
  if (share) return { mode: mode === 'dense' ? 'dense' : 'sparse' };
  if (mode === 'dense') return { mode };
  const { timesteps } = scheduler;
  const missing = missingSteps(features, trajectory.id, timesteps, start, kinds);
  const tokens = condition.text.dims[1]!;
  const denseMacs = denoiser.stepMacs({ height: mask.height, width: mask.width }, batchOf(condition), tokens);
  const computedKinds = kinds ?? fullSteps(scheduler, start);
  const work = { steps: computedKinds.filter(isComputed).length, missing, denseMacs };
  const isWhole = activeCount(mask) === mask.data.length;
  if (mode === 'auto' && (isWhole || fasterMode({ ...work, share: 0 }) === 'dense')) return { mode: 'dense' };
  const part = { of: 'region', mask, ring: dilation } as const;
  const region = await Steps.open(denoiser, part, scheduler, condition, computedKinds);
  const computed = region.plan.macs(tokens) / denseMacs;
  if (mode === 'auto' && fasterMode({ ...work, share: computed }) === 'dense') return { mode: 'dense' };
  return { mode: 'sparse', region };
}

function requestOf(
  { recipe: { seed } }: EditTask,
  { scheduler, start }: Scope,
  trajectory: Trajectory,
  condition: Condition,
  mask: Mask,
): RepaintRequest {
  const length = trajectory.latent.length;
  return {
    trajectory,
    scheduler,
    start,
    mask,
    condition,
    noise: gaussianNoise(seed, START_NOISE, length),
    stepNoise: (index) => gaussianNoise(seed, stepNoise(index), length),
  };
}

interface Repainting {
  task: EditTask;
  mode: Exclude<EditMode, 'auto'>;
  scope: Scope;
  request: RepaintRequest;
  callbacks: Callbacks;
  denoiser: Denoiser;
  /** The plan of a sparse edit that is computed here. */
  region: Steps | undefined;
  share: Share | undefined;
}

/** Repaints sparsely or densely, here or by workers, whose run stays open if they will remember the picture. */
async function repaint(
  { components }: ReadyModel,
  { features }: EditCache,
  { task: { recipe, dilation }, mode, scope, request, callbacks, denoiser, region, share }: Repainting,
): Promise<{ repainted: Repainted; run?: SharedRun }> {
  const { scheduler, condition } = request;
  const { dims } = scope;
  if (region) {
    const steps = region.with(condition);
    return { repainted: await repaintSparse(denoiser, steps, features, request, callbacks) };
  }
  const { start, kinds = fullSteps(scheduler, start) } = request;
  const [, height, width] = dims;
  const macs = wholeMacs(denoiser, scope, request);
  if (!share) {
    const whole = { of: 'whole', height, width } as const;
    const computed = await Steps.open(denoiser, whole, scheduler, condition, kinds);
    const predict: Predict = async (sample, index) => (await computed.predict(sample, index)).output;
    return { repainted: await repaintDense(predict, request, macs, callbacks) };
  }
  if (request.kinds) throw new InputError(ALONE);
  const run = await share({
    network: components.network('denoiser'),
    precision: recipe.precision,
    condition,
    timesteps: scheduler.timesteps,
    dims,
    signal: callbacks.signal,
    ...(mode === 'sparse' && { edit: editedPicture(request, dilation) }),
  });
  try {
    const repainted =
      mode === 'sparse'
        ? await repaintShared(run, components.network('denoiser'), request, dilation, callbacks)
        : await repaintDense(run.predict, request, macs, callbacks);
    if (!repainted.remember) run.end();
    return { repainted, run };
  } catch (error) {
    run.end();
    throw error;
  }
}

/** Products of the steps over everything. */
function wholeMacs(
  denoiser: Denoiser,
  { dims: [, height, width], scheduler, start }: Scope,
  { kinds = fullSteps(scheduler, start), condition }: RepaintRequest,
): number {
  return stepsMacs(denoiser, kinds, { height, width }, condition);
}

/** Products of encoding and decoding everything. */
function codingMacs(components: Components, { window }: Scope): number {
  const extent = { ...workedSize(window), batch: 1, tokens: 0 };
  const parts = ['vae-encoder', 'vae-decoder'] as const;
  return parts.reduce((sum, part) => sum + countMacs(components.network(part), extent).total, 0);
}

async function partOf(picture: Picture, box: Box): Promise<PicturePart> {
  const part = cropPicture(picture, box);
  const png = await encodePicture(part);
  return { png, width: part.width, height: part.height, left: box.x.from, top: box.y.from };
}
