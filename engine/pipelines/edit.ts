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
import { doubledLatents, halvedNoise } from '../execution/half-resolution.ts';
import type { LatentDims } from '../execution/latents.ts';
import type { Share, SharedRun } from '../execution/shared-run.ts';
import { ALONE, computedOnly, fullSteps, isComputed } from '../execution/step-kinds.ts';
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
import { analyse } from './analyse.ts';
import { type Analysis, type EditCache, featuresOwner, keepAnalysis } from './edit-cache.ts';
import { fasterMode } from './edit-mode.ts';
import { type EditStage, editStagesOf, stageKinds } from './edit-stages.ts';
import { editPlanes, recordingPlanes } from './inpainting.ts';
import { prepareNetworks } from './prepare.ts';
import { Previews } from './preview.ts';
import { Progress } from './progress.ts';
import { conditionFor, type ReadyModel } from './ready-model.ts';
import { missingSteps, type Trajectory } from './recorder.ts';
import {
  type Callbacks,
  type Repainted,
  type RepaintRequest,
  repaintDense,
  repaintSparse,
} from './repaint.ts';
import { editedPicture, repaintShared } from './repaint-shared.ts';
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
  /** Bounds of the mask, in pixels of the picture. */
  box: Box;
  /** The last one is at the whole resolution. */
  stages: ReturnType<typeof editStagesOf>;
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
  const steps = scope.stages.at(-1)!.end - scope.stages[0].start;
  const progress = new Progress<EditProgress>(options.onProgress, steps);
  const stages: PreparedStage[] = [];
  for (const stage of scope.stages)
    stages.push(await prepareStage(ready, memory, task, stage, progress, options));
  const last = stages.at(-1)!;
  const decoder = decoderOf(last, task);
  progress.begin();
  const { painted, run } = await paintStages(ready, memory, task, {
    scope,
    stages,
    progress,
    decoder,
    options,
  });
  const repainted = painted.at(-1)!;
  const workers = run?.report();
  progress.stage('decode', steps);
  await listen(options.signal);
  const decoded = await (last.mode === 'sparse'
    ? decoder.region(repainted.latent)
    : decoder.whole(repainted.latent));
  await listen(options.signal);
  const result = decoder.finish(decoded);
  await listen(options.signal);
  const kinds = stages.flatMap(
    ({ stage, request }) => request.kinds ?? fullSteps(stage.scheduler, stage.start),
  );
  return {
    remember: async () => {
      for (const [i, prepared] of stages.entries())
        await rememberEdit(ready, memory, prepared, task.recipe, { repainted: painted[i]!, decoded, result });
    },
    result: {
      mode: last.mode,
      ...(await delivered(result, task, options.raw)),
      recipe: recipeOf(task),
      seconds: (performance.now() - begin) / 1000,
      loadSeconds: total(stages, ({ loadSeconds }) => loadSeconds),
      stepSeconds: computedOnly(progress.stepSeconds, kinds),
      ...(workers && { workers }),
      warnings: [
        ...last.text.warnings,
        ...lostColours(task, scope),
        ...(run?.notices ?? []),
        ...(options.tiles ? [TILED] : []),
      ],
      activeFraction: repainted.activeFraction,
      ...countedMacs(ready, stages, painted, decoded),
      computed: computedLevels(repainted, ready.model.autoencoder.scale, last.stage.window),
      recordedSteps: total(painted, ({ recordedSteps }) => recordedSteps),
      recordSeconds: painted.flatMap(({ recordSeconds }) => recordSeconds),
      recordingMacs: total(painted, ({ recordingMacs }) => recordingMacs),
    },
  };
}

/** Multiply–accumulates of an edit, and of the same edit computed densely: its stages, each encoded, the last decoded. */
function countedMacs(
  { components }: ReadyModel,
  stages: readonly PreparedStage[],
  painted: readonly Repainted[],
  decoded: Coded,
): { macs: number; denseMacs: number } {
  const last = stages.at(-1)!;
  const of = (part: { macs: number } | undefined) => part?.macs ?? 0;
  const prepared = total(
    stages,
    ({ text, before, known, coloured }) => text.macs + before.macs + of(known) + of(coloured),
  );
  return {
    macs: prepared + total(painted, ({ macs, recordingMacs }) => macs + recordingMacs) + decoded.macs,
    denseMacs:
      total(stages, ({ text, stage }) => text.macs + codingMacs(components, 'vae-encoder', stage)) +
      total(stages, wholeMacs) +
      codingMacs(components, 'vae-decoder', last.stage),
  };
}

function total<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}

interface Painting {
  scope: Scope;
  stages: readonly PreparedStage[];
  progress: Progress<EditProgress>;
  decoder: EditDecoder;
  options: EditOptions;
}

/** Repaints stage by stage: what one predicts as the clean latents, enlarged and noised again, is where the next begins. */
async function paintStages(
  ready: ReadyModel,
  memory: EditCache,
  task: EditTask,
  { scope, stages, progress, decoder, options }: Painting,
): Promise<{ painted: Repainted[]; run: SharedRun | undefined }> {
  const painted: Repainted[] = [];
  let run: SharedRun | undefined;
  const { dims } = stages.at(-1)!.stage;
  for (const prepared of stages) {
    const enlarge = (latent: Float32Array) =>
      prepared === stages.at(-1) ? latent : doubledLatents(latent, dims);
    const callbacks = callbacksOf(ready, scope, enlarge, progress, decoder, options);
    const begun = painted.at(-1);
    const origin = begun ? doubledLatents(begun.latent, dims) : prepared.request.origin;
    const request = { ...prepared.request, origin };
    const repainting = { ...prepared, request, task, callbacks, share: options.share };
    const { repainted, run: shared } = await repaint(ready, memory, repainting);
    painted.push(repainted);
    run = shared;
  }
  return { painted, run };
}

type PreparedStage = Awaited<ReturnType<typeof prepareStage>>;

/** Loads the networks, encodes prompt and picture, and chooses how a stage of the edit is computed. */
async function prepareStage(
  ready: ReadyModel,
  memory: EditCache,
  task: EditTask,
  stage: EditStage,
  progress: Progress<EditProgress>,
  { signal, share, tiles }: EditOptions,
) {
  const begin = performance.now();
  const { picture, recipe } = task;
  const { window, scheduler } = stage;
  const size = workedSize(window);
  progress.stage('load');
  await listen(signal);
  await prepareNetworks(ready, recipe.precision, { signal, report: progress.own });
  const denoiser = ready.components.denoiser(recipe, {}, ready.images?.grids);
  const painted = coarser(windowMask(task.mask, window), size.width / stage.dims[2]);
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
  const kinds = stageKinds(stage, recipe, denoiser);
  const blind = { ...requestOf(task, stage, before.analysis.trajectory, text.condition, painted), kinds };
  const analysed = performance.now();
  const { mode, region } = await chosenMode(denoiser, memory, blind, task, share);
  const loadSeconds = (loaded - begin + performance.now() - analysed) / 1000;
  const known = await maskedPicture(ready, autoencoder, before.analysis, planes, stage, blind, {
    ...task,
    mode,
  });
  const condition = known ? { ...text.condition, planes: known.planes } : text.condition;
  const coloured = await colouredPicture(autoencoder, before.analysis, task, stage, painted);
  const request = { ...blind, condition, origin: coloured?.data };
  return {
    stage,
    loadSeconds,
    denoiser,
    autoencoder,
    planes,
    text,
    before,
    known,
    coloured,
    request,
    mode,
    region,
  };
}

type EditDecoder = ReturnType<typeof decoderOf>;

/** Latents → pixels of the window → the picture with the masked part replaced. */
function decoderOf(
  { autoencoder, planes, before, request, stage: { window } }: PreparedStage,
  { picture, mask, coverage }: EditTask,
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

/** Reports each step, with a preview if one is wanted and decoding is fast. @param enlarge to the last stage's latents */
function callbacksOf(
  { model }: ReadyModel,
  { box, stages: [{ start }] }: Scope,
  enlarge: (latent: Float32Array) => Float32Array,
  progress: Progress<EditProgress>,
  decoder: EditDecoder,
  { signal, onProgress, previews: wanted }: EditOptions,
): Callbacks {
  const hasPreviews = onProgress && wanted !== false && model.autoencoder.kind === 'tiny';
  const previews = new Previews(async (latent) =>
    partOf(decoder.finish(await decoder.region(enlarge(latent))), box),
  );
  return {
    signal,
    onRecord: (index) => progress.stage('record', index - start),
    onStep: (index, latent) =>
      progress.stepped(index + 1 - start, async () => (hasPreviews ? previews.next(latent) : undefined)),
  };
}

/** The outcome of an edit, as far as later edits need it. */
interface EditedPicture {
  /** Of one stage. */
  repainted: Repainted;
  decoded: Coded;
  result: Picture;
}

/** Keeps what a stage of edits of the edited image reads. */
async function rememberEdit(
  ready: ReadyModel,
  memory: EditCache,
  { stage, request, autoencoder, before }: PreparedStage,
  recipe: Recipe,
  { repainted, decoded, result }: EditedPicture,
): Promise<void> {
  if (!repainted.remember) return;
  const { window, dims } = stage;
  const { trajectory, decoded: whole, encoded } = before.analysis;
  const planes = windowPlanes(result, window);
  const isLast = stage.end === stage.scheduler.timesteps.length;
  // At half the resolution the image is encoded: what a stage predicts lacks the details of the next.
  const latent = isLast
    ? repainted.latent
    : (await encodedPart(autoencoder, before.analysis, planes, window, request.mask)).data;
  const id = crypto.randomUUID();
  await repainted.remember(id);
  const shown = recordingPlanes(ready.components, latent, dims);
  await keepAnalysis(memory, featuresOwner(ready, recipe), planes, batchOf(request.condition), {
    window,
    trajectory: { ...trajectory, id, latent, condition: { ...trajectory.condition, ...shown } },
    decoded: whole && (isLast ? decoded : await decodedWhole(autoencoder, latent, window)),
    ...(shown.planes && { encoded: { data: latent, record: encoded!.record, macs: 0 } }),
  });
}

function recipeOf({ recipe, strength, maskOf }: EditTask): Recipe {
  return { ...recipe, strength, ...(maskOf && { maskOf }) };
}

function decodedWhole(
  autoencoder: RegionAutoencoder,
  latent: Float32Array,
  window: PictureWindow,
): Promise<Coded> {
  const { width, height } = workedSize(window);
  return autoencoder.decode(latent, width, height);
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
  { window, dims }: EditStage,
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
  before: Analysis,
  { coloured }: EditTask,
  { window }: EditStage,
  painted: Mask,
): Promise<Coded | undefined> {
  return coloured && encodedPart(autoencoder, before, windowPlanes(coloured, window), window, painted);
}

/** The latents of a picture that is another one only where it is painted; right where it is. */
function encodedPart(
  autoencoder: RegionAutoencoder,
  { trajectory: { latent }, encoded }: Analysis,
  planes: Float32Array,
  window: PictureWindow,
  painted: Mask,
): Promise<Coded> {
  const { width, height } = workedSize(window);
  const before = encoded ?? (autoencoder.needsRecord ? undefined : { data: latent, record: NO_RECORD });
  return before
    ? autoencoder.encodeRegion(planes, width, height, before, painted)
    : autoencoder.encode(planes, width, height);
}

/** At full strength the masked part starts from noise alone. */
function lostColours({ coloured }: EditTask, { stages }: Scope): string[] {
  return coloured && stages[0].start === 0
    ? [`Nothing of the painted colours is left at this strength: choose less, such as ${COLOUR_STRENGTH}.`]
    : [];
}

function scopeOf(ready: ReadyModel, { picture, mask, recipe, strength, zoom }: EditTask): Scope {
  const box = boundsOf(mask);
  if (!box) throw new InputError('The mask has no white pixel, so it selects nothing.');
  const window = windowFor(picture, box, ready.model, zoom);
  return { box, stages: editStagesOf(ready, recipe, strength, window) };
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
  const region = await Steps.open(denoiser, part, scheduler, condition, computedKinds, start);
  const computed = region.plan.macs(tokens) / denseMacs;
  if (mode === 'auto' && fasterMode({ ...work, share: computed }) === 'dense') return { mode: 'dense' };
  return { mode: 'sparse', region };
}

function requestOf(
  { recipe: { seed } }: EditTask,
  { scheduler, start, end, dims }: EditStage,
  trajectory: Trajectory,
  condition: Condition,
  mask: Mask,
): RepaintRequest {
  const length = trajectory.latent.length;
  return {
    trajectory,
    scheduler,
    start,
    end,
    mask,
    condition,
    noise: startNoise(seed, dims, end < scheduler.timesteps.length),
    stepNoise: (index) => gaussianNoise(seed, stepNoise(index), length),
  };
}

/** The noise that an image begins with. @param isHalf whether `dims` are those of half its resolution */
function startNoise(seed: number, dims: LatentDims, isHalf: boolean): Float32Array {
  const [channels, height, width] = dims;
  if (!isHalf) return gaussianNoise(seed, START_NOISE, channels * height * width);
  const noise = gaussianNoise(seed, START_NOISE, 4 * channels * height * width);
  return halvedNoise(noise, [channels, 2 * height, 2 * width]);
}

interface Repainting {
  task: EditTask;
  mode: Exclude<EditMode, 'auto'>;
  stage: EditStage;
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
  { task: { recipe, dilation }, mode, stage, request, callbacks, denoiser, region, share }: Repainting,
): Promise<{ repainted: Repainted; run?: SharedRun }> {
  const { scheduler, condition } = request;
  const { dims } = stage;
  if (region) {
    const steps = region.with(condition);
    return { repainted: await repaintSparse(denoiser, steps, features, request, callbacks) };
  }
  const { start, kinds = fullSteps(scheduler, start) } = request;
  const [, height, width] = dims;
  const macs = wholeMacs({ denoiser, stage, request });
  if (!share) {
    const whole = { of: 'whole', height, width } as const;
    const computed = await Steps.open(denoiser, whole, scheduler, condition, kinds, start);
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
function wholeMacs({
  denoiser,
  stage: {
    dims: [, height, width],
    scheduler,
    start,
  },
  request: { kinds = fullSteps(scheduler, start), condition },
}: Pick<Repainting, 'denoiser' | 'stage' | 'request'>): number {
  return stepsMacs(denoiser, kinds, { height, width }, condition);
}

/** Products of encoding or decoding everything. */
function codingMacs(
  components: Components,
  part: 'vae-encoder' | 'vae-decoder',
  { window }: EditStage,
): number {
  const extent = { ...workedSize(window), batch: 1, tokens: 0 };
  return countMacs(components.network(part), extent).total;
}

async function partOf(picture: Picture, box: Box): Promise<PicturePart> {
  const part = cropPicture(picture, box);
  const png = await encodePicture(part);
  return { png, width: part.width, height: part.height, left: box.x.from, top: box.y.from };
}
