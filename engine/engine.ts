import {
  type BenchmarkProgress,
  type BenchmarkRequest,
  type BenchmarkResult,
  type CallOptions,
  type CutOutRequest,
  type CutOutResult,
  type DescribeRequest,
  type DescribeResult,
  type DeviceId,
  type EditProgress,
  type EditRequest,
  type EditResult,
  ENGINE_CALLS,
  type Engine,
  type EngineCall,
  type EngineCalls,
  type FindObjectsProgress,
  type FindObjectsRequest,
  type FindObjectsResult,
  type GenerateProgress,
  type GenerateRequest,
  type GenerateResult,
  type Precision,
  type PrepareEditRequest,
  type PrepareEditResult,
  type Recipe,
  type RepaintRequest,
  type SegmentRequest,
  type SegmentResult,
  type StoreReport,
  type UpscaleProgress,
  type UpscaleRequest,
  type UpscaleResult,
  type ZoomMode,
} from '../shared/api.ts';
import { COLOUR_STRENGTH, DEFAULT_STRENGTH, WHOLE_STRENGTH } from '../shared/limits.ts';
import { type Area, blankPatch, blankRaster, fits, paste, type Raster, wholeOf } from '../shared/raster.ts';
import { adapterOf, halfStepsOf } from '../shared/stepPlan.ts';
import { Afterwards, type Work } from './afterwards.ts';
import { benchmark } from './benchmark/benchmark.ts';
import { checkBenchmark } from './benchmark/check-request.ts';
import { InputError } from './errors.ts';
import type { Backend } from './execution/backend.ts';
import { CancellableBackend } from './execution/cancellable.ts';
import { defaultPrecision, precisionOn, replacedPrecision } from './execution/default-precision.ts';
import { seesMask } from './execution/denoiser-inputs.ts';
import { type MemoryPlan, plannedDevice } from './execution/memory-plan.ts';
import type { Share } from './execution/shared-run.ts';
import { missingTwinWarning } from './models/catalogue.ts';
import type { DiffusionModel } from './models/diffusion-model.ts';
import { EMBEDDED } from './models/embedded.ts';
import type { GenerationDefaults } from './models/model.ts';
import { type EditingModel, editingModel, placeOfModel } from './models/open.ts';
import { imageSize } from './models/sizes.ts';
import { asksForWorkers, type CrewSources, Crews } from './parallel/crews.ts';
import { shareOver } from './parallel/share.ts';
import type { Team } from './parallel/team.ts';
import { encodePicture } from './pictures/compose.ts';
import { rasterOfMask } from './pictures/mask.ts';
import { decodePicture } from './pictures/read.ts';
import { withUpscaling } from './pictures/recipe.ts';
import { workedSize } from './pictures/window.ts';
import { windowFor } from './pictures/zoom.ts';
import { spendingOf } from './pipelines/budget/spending.ts';
import {
  checkEdit,
  checkGenerate,
  checkPrepareEdit,
  checkUpscale,
  recipeOf,
} from './pipelines/check-request.ts';
import { edit } from './pipelines/edit.ts';
import type { EditCache } from './pipelines/edit-cache.ts';
import { editedPart } from './pipelines/edited-part.ts';
import { type Loaded, LoadedModels } from './pipelines/loaded-models.ts';
import { MemoryBudget } from './pipelines/memory-budget.ts';
import { type ReadPrompts, readPrompts } from './pipelines/prompts.ts';
import type { ReadyModel } from './pipelines/ready-model.ts';
import { editSteps, record } from './pipelines/record.ts';
import { sizedByReference } from './pipelines/reference-images.ts';
import { repaintInTiles } from './pipelines/repaint-tiles.ts';
import {
  checkCutOut,
  checkDescribe,
  checkFindObjects,
  checkSegment,
} from './pipelines/segment/check-request.ts';
import { cutOutPart } from './pipelines/segment/cut-out.ts';
import { Sight } from './pipelines/segment/sight.ts';
import { additionsOf, readSteering } from './pipelines/steering.ts';
import type { Reading } from './pipelines/text-encoder.ts';
import { textToImage } from './pipelines/text-to-image.ts';
import { upscale } from './pipelines/upscale.ts';
import { type Box, boundsOf, boxOf } from './regions/box.ts';
import { centredMask } from './regions/mask.ts';
import { FeatureStore } from './regions/store.ts';
import { schedulerNameOf } from './schedulers/create.ts';

/** Share of an image in the part that rehearsed edits compute. */
const REHEARSED = 0.1;
/** Edits of a part after which the JavaScript that only they run is compiled (docs/measurements.md). */
const WARM = 6;
/** Seconds after which no further edit is rehearsed, where edits are slow. */
const ENOUGH = 2;

interface EngineOptions extends CrewSources {
  /** Starts an engine in a process of its own, for benchmarks of isolated cases. */
  startEngine?: () => Engine;
  /** Bytes that recorded features may take; a quarter of the machine's memory by default. */
  storeBudget?: number;
}

/** The engine in this process. The caller makes one call at a time. */
export function createEngine(backend: Backend, options: EngineOptions = {}): Engine {
  const cancellable = new CancellableBackend(backend);
  const engine = new LocalEngine(cancellable, options);
  const calls = (Object.keys(ENGINE_CALLS) as EngineCall[]).map((name) => {
    const run = engine[name].bind(engine) as (request: unknown, options?: CallOptions<never>) => unknown;
    const call = async (request: unknown, given?: CallOptions<never>) => {
      // What is left of the last call must not be cancelled with this one.
      await engine.afterwards.settle();
      try {
        return await cancellable.during(given?.signal, async () => run(request, given));
      } finally {
        engine.afterwards.resume();
      }
    };
    return [name, call] as const;
  });
  return { ...(Object.fromEntries(calls) as EngineCalls), dispose: () => engine.dispose() };
}

/** What a result was computed with. */
interface Computed {
  loaded: ReadyModel;
  spending: ReturnType<typeof spendingOf>;
  /** About the request. */
  warnings: readonly string[];
}

class LocalEngine implements Engine {
  readonly #backend: Backend;
  readonly #memory: EditCache;
  readonly #budget: MemoryBudget;
  readonly #models: LoadedModels;
  readonly #crewSources: CrewSources;
  readonly #crews: Crews;
  readonly #startEngine: EngineOptions['startEngine'];
  readonly afterwards = new Afterwards();
  /** Edits of a part so far, also rehearsed ones. */
  #edits = 0;
  readonly #sight: Sight;
  /** Inpainting models that have been offered. */
  readonly #offered = new Set<string>();

  constructor(
    backend: Backend,
    { storeBudget = backend.can.memoryBytes / 4, startEngine, ...crews }: EngineOptions,
  ) {
    this.#startEngine = startEngine;
    this.#backend = backend;
    this.#crewSources = crews;
    this.#crews = new Crews(crews);
    this.#memory = { features: new FeatureStore(storeBudget), analyses: new Map() };
    this.#models = new LoadedModels(backend, () => this.#forget());
    this.#budget = new MemoryBudget(backend, this.#memory.features, {
      unload: () => this.#models.unloadOthers(),
      dismissWorkers: () => this.#crews.dismiss(),
    });
    this.#sight = new Sight(backend);
  }

  async generate(
    given: GenerateRequest,
    options: CallOptions<GenerateProgress> = {},
  ): Promise<GenerateResult> {
    const begin = performance.now();
    const asked = checkGenerate(given);
    options.signal?.throwIfAborted();
    this.#sweep();
    const { request, ...prompts } = await readPrompts(asked, await placeOfModel(asked.model));
    const opened = await this.#models.open(request);
    const checked = await sizedByReference(request, opened.steered);
    const { previews, remember } = checked;
    const { width, height } = imageSize(opened.steered, checked);
    const spending = spendingOf(checked, opened.steered, recipeFor(checked, opened), {
      shared: asksForWorkers(checked),
    });
    const loaded = await this.#models.load(planned(request, spending), options, opened);
    loaded.reading = readingOf(checked, prompts);
    await this.#steer(loaded, checked, { width, height });
    const precision = await this.#precision(checked, loaded, { width, height });
    const team = await this.#team(checked, loaded.model);
    const recipe = { ...spending.recipe, precision };
    // Workers compute with their own denoisers, and keep the features of their bands.
    const editing = await editingModel(checked.model, checked.editModel);
    const editsItself = editing.name === (checked.model ?? EMBEDDED);
    // Edits are made without adapters of plans, and read features of the whole resolution.
    const { stepPlan: taken } = recipe;
    const isEditable = editsItself && !team && adapterOf(taken) === undefined && halfStepsOf(taken) === 0;
    const remembers = remember && isEditable && (await this.#budget.canRecord(loaded, recipe));
    const plan = remembers ? 'together' : await this.#plan(loaded, recipe, team);
    const memory = remembers ? this.#memory : undefined;
    const opening = secondsSince(begin);
    const result = await textToImage(loaded, recipe, {
      ...options,
      previews,
      memory,
      plan,
      share: shareBy(team),
    });
    const said = [...prompts.warnings, ...replacedPrecision(checked, precision)];
    return this.#reported(result, { loaded, spending, warnings: said }, { begin, opening });
  }

  async edit(request: EditRequest, options: CallOptions<EditProgress> = {}): Promise<EditResult> {
    const { result, remember, editing } = await this.#edited(request, options);
    // Features that are not stored are computed again when they are needed.
    await this.#leave(remember, options.signal);
    const { missing } = editing;
    return {
      ...result,
      warnings: [...result.warnings, ...this.#offer(editing)],
      ...(missing && { missingTwin: missing }),
    };
  }

  async #edited(request: EditRequest, options: CallOptions<EditProgress>) {
    const begin = performance.now();
    const asked = checkEdit(request);
    const editing = await editingModel(asked.model, asked.editModel);
    const model = editing.name;
    options.signal?.throwIfAborted();
    this.#sweep();
    const { request: checked, ...prompts } = await readPrompts(
      { ...asked, model },
      await placeOfModel(model),
    );
    // Other threads decode meanwhile. An error in the picture is the one to report.
    const configs = this.#models.open(checked);
    configs.catch(() => {});
    const { warnings, ...part } = await editedPart(checked);
    const decoded = performance.now();
    const opened = await configs;
    const isWhole = !checked.mask && !checked.extend && !checked.colours;
    const {
      strength = strengthOf(checked, isWhole, seesMaskOf(opened.steered)),
      mode = isWhole ? 'dense' : 'sparse',
      zoom = 'off',
      previews,
    } = checked;
    const { width, height } = part.picture;
    const prompted = { ...checked, prompt: promptFor(checked, opened.steered.defaults) };
    const asIs = { ...recipeFor(prompted, opened), width, height };
    const spending = spendingOf(checked, opened.steered, asIs, {
      shared: asksForWorkers(checked),
      edit: true,
      strength,
      worked: workedOn(part.picture, boundsOf(part.mask), opened.steered, zoom),
    });
    const loaded = await this.#models.load(planned(checked, spending), options, opened);
    loaded.reading = readingOf(checked, prompts);
    await this.#steer(loaded, checked, { width, height, extend: checked.extend });
    const precision = await this.#precision(checked, loaded, { width, height, edit: true });
    const { dilation = loaded.components.denoiser({ precision }).ring } = checked;
    const team = await this.#team(checked, loaded.model);
    const recipe = { ...spending.recipe, precision };
    const plan = await this.#plan(loaded, recipe, team, { edit: true });
    const { maskOf } = checked;
    const task = { ...part, recipe, strength, maskOf, mode, dilation, zoom };
    const opening = secondsSince(decoded);
    const { result, remember } = await edit(loaded, this.#memory, task, {
      ...options,
      previews,
      raw: checked.raw,
      tiles: plan === 'tiled',
      share: shareBy(team),
    });
    if (result.mode === 'sparse') this.#edits++;
    const said = [
      ...prompts.warnings,
      ...warnings,
      ...replacedPrecision(checked, precision),
      ...loaded.model.editNotes,
    ];
    const known = { loaded, spending, warnings: said };
    return { result: await this.#reported(result, known, { begin, opening }), remember, editing };
  }

  async prepareEdit(
    request: PrepareEditRequest,
    options: CallOptions<EditProgress> = {},
  ): Promise<PrepareEditResult> {
    const begin = performance.now();
    const nothing = (about: Partial<PrepareEditResult> = {}) => {
      const seconds = (performance.now() - begin) / 1000;
      return { complete: false, recordedSteps: 0, seconds, ...about };
    };
    const preparing = checkPrepareEdit(request);
    const editing = await editingModel(preparing.model, preparing.editModel);
    const checked = { ...preparing, model: editing.name };
    options.signal?.throwIfAborted();
    if (asksForWorkers(checked)) return nothing();
    const picture = await decodePicture(checked.image, 'The image');
    const { width, height } = picture;
    const place = await placeOfModel(checked.model);
    const { request: asked, ...prompts } = await readPrompts({ ...checked, prompt: '' }, place);
    const opened = await this.#models.open(asked);
    const { strength = defaultStrength(seesMaskOf(opened.steered)) } = checked;
    const { masked = wholeOf(picture), zoom = 'off' } = checked;
    if (!fits(masked, picture)) throw new InputError('What is masked is not inside the image.');
    const canWork = Math.max(masked.width, masked.height) <= opened.steered.sizes.max;
    const window = canWork ? windowFor(picture, boxOf(masked), opened.steered, zoom) : undefined;
    const worked = window && workedSize(window);
    const asIs = { ...recipeFor(asked, opened), width, height };
    const spending = spendingOf(checked, opened.steered, asIs, { edit: true, strength, worked });
    const loaded = await this.#models.load(planned(asked, spending), options, opened);
    loaded.reading = readingOf(asked, prompts);
    await this.#steer(loaded, asked, { width, height });
    const precision = await this.#precision(asked, loaded, { width, height, edit: true });
    const recipe = { ...spending.recipe, precision };
    const spent = spending.budget?.budget?.spent ?? 1;
    const about = { recipe, editSteps: editSteps(loaded.model, recipe, strength), spent };
    if (!window) return nothing(about);
    if (!(await this.#budget.canRecord(loaded, recipe))) return nothing(about);
    const recorded = await record(loaded, this.#memory, { picture, window, recipe, strength }, options);
    if (recorded.complete && (await loaded.components.isSmall())) {
      const rehearsal = (signal: AbortSignal) => this.#rehearse(checked, picture, signal);
      await this.#leave(rehearsal, options.signal, () => this.#models.has(loaded));
    }
    return { ...about, ...recorded };
  }

  /** Leaves work for when the call has returned; on a GPU, which may be another process's then, it is done now. */
  async #leave(work: Work, signal = new AbortController().signal, mayResume?: () => boolean): Promise<void> {
    if (this.#backend.device === 'cpu') this.afterwards.leave(work, mayResume);
    else await work(signal).catch(() => {});
  }

  /** Makes edits and discards them, until the user's own are as fast as later ones. */
  async #rehearse(
    { masked, ...request }: PrepareEditRequest,
    picture: { width: number; height: number },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const mask = rehearsedMask(picture, masked);
    const asked = { ...request, prompt: 'a', mask, softMask: true, raw: true, mode: 'auto' } as const;
    const begin = performance.now();
    // With a listener there are previews, too.
    const options = { signal, onProgress: () => {} };
    while (this.#edits < WARM && secondsSince(begin) < ENOUGH) await this.#edited(asked, options);
  }

  async segment(request: SegmentRequest, options?: CallOptions<never>): Promise<SegmentResult> {
    return this.#onDevice(await this.#sight.segment(checkSegment(request), options));
  }

  async findObjects(
    request: FindObjectsRequest,
    options?: CallOptions<FindObjectsProgress>,
  ): Promise<FindObjectsResult> {
    return this.#onDevice(await this.#sight.findObjects(checkFindObjects(request), options));
  }

  async cutOut(request: CutOutRequest, options?: CallOptions<never>): Promise<CutOutResult> {
    return cutOutPart(checkCutOut(request), (asked) => this.#sight.segment(asked, options), options?.signal);
  }

  async describe(request: DescribeRequest, options?: CallOptions<never>): Promise<DescribeResult> {
    return this.#onDevice(await this.#sight.describe(checkDescribe(request), options));
  }

  /** Frees features on a device that earlier calls have dropped. */
  #sweep(): void {
    if (this.#backend.device === 'cpu') return;
    this.#memory.features.sweep();
  }

  /** A result of generating or editing with its budget, its device, all warnings and the times of the whole call. */
  async #reported<Result extends { loadSeconds: number; warnings: string[] }>(
    result: Result,
    { loaded, spending, warnings }: Computed,
    { begin, opening }: { begin: number; opening: number },
  ) {
    await loaded.components.requireUnchanged();
    const seconds = secondsSince(begin);
    const loadSeconds = opening + result.loadSeconds;
    return this.#onDevice({
      ...result,
      ...spending.budget,
      seconds,
      loadSeconds,
      warnings: [
        ...loaded.warnings,
        ...warnings,
        ...spending.warnings,
        ...result.warnings,
        ...(await loaded.components.notices()),
      ],
    });
  }

  #onDevice<Result extends object>(result: Result): Result & { device: DeviceId } {
    return { ...result, device: this.#backend.device };
  }

  async upscale(request: UpscaleRequest, options?: CallOptions<UpscaleProgress>): Promise<UpscaleResult> {
    const checked = checkUpscale(request);
    const result = await upscale(checked, this.#backend, options);
    return checked.repaint ? this.#repaintLarger(checked.repaint, checked, result, options) : result;
  }

  /** Paints detail into an image that was made larger. */
  async #repaintLarger(
    { strength, ...given }: RepaintRequest,
    { image }: UpscaleRequest,
    result: UpscaleResult,
    options: CallOptions<UpscaleProgress> = {},
  ): Promise<UpscaleResult> {
    const begin = performance.now();
    this.#sweep();
    const { request: asked, ...prompts } = await readPrompts(given, await placeOfModel(given.model));
    const loaded = await this.#models.load(asked, options);
    loaded.reading = readingOf(asked, prompts);
    const { width, height } = loaded.model.defaults;
    await this.#steer(loaded, {}, { width, height });
    const precision = await this.#precision(asked, loaded, { width, height });
    const recipe = { ...recipeFor(asked, loaded, precision), width, height };
    const apart = (await this.#budget.plan(loaded, recipe)) !== 'together';
    const picture = await decodePicture(result.picture.png, 'The larger image');
    const painted = await repaintInTiles(loaded, { picture, recipe, strength, apart }, options);
    await loaded.components.requireUnchanged();
    const { model, scale } = result;
    const file = image instanceof Uint8Array ? image : undefined;
    const about = { model, scale, repaint: { model: recipe.model, strength } };
    const png = withUpscaling(await encodePicture(painted.picture), file, about);
    return {
      ...result,
      picture: { ...result.picture, png },
      macs: result.macs + painted.macs,
      seconds: result.seconds + secondsSince(begin),
      repaint: {
        recipe,
        strength,
        warnings: [
          ...loaded.warnings,
          ...prompts.warnings,
          ...replacedPrecision(asked, precision),
          ...painted.warnings,
        ],
      },
    };
  }

  async store(): Promise<StoreReport> {
    const { features } = this.#memory;
    const { budget: budgetBytes, bytes, deviceBytes } = features;
    return { budgetBytes, bytes, deviceBytes, pictures: features.contents() };
  }

  async benchmark(
    request: BenchmarkRequest,
    options: CallOptions<BenchmarkProgress> = {},
  ): Promise<BenchmarkResult> {
    const checked = checkBenchmark(request);
    options.signal?.throwIfAborted();
    // A loaded model would take memory from what is measured.
    await this.#models.unload();
    const host = {
      backend: this.#backend,
      openEngine: (backend: Backend) => createEngine(backend, this.#crewSources),
      startEngine: this.#startEngine,
      openCrew: this.#crews.opener(checked.bus),
    };
    return benchmark(checked, host, options);
  }

  async dispose(): Promise<void> {
    await this.afterwards.settle();
    await this.#forget();
    this.#memory.features.sweep();
    await this.#sight.release();
    await this.#models.unload();
    await this.#crews.dispose();
  }

  async #team(request: GenerateRequest | EditRequest, opened: DiffusionModel): Promise<Team | undefined> {
    return this.#crews.team(request, opened, additionsOf(request, opened));
  }

  /** How networks are loaded so that memory is enough for an image, which workers may compute. */
  async #plan(
    loaded: Loaded,
    recipe: Recipe,
    team: Team | undefined,
    purpose?: { edit: true },
  ): Promise<MemoryPlan> {
    if (!team) return this.#budget.plan(loaded, recipe, purpose);
    const isShared = team.onDevice && this.#backend.device !== 'cpu';
    return isShared ? this.#budget.planShared(loaded, recipe, purpose) : 'together';
  }

  /** Says once which inpainting model would edit better, if it is not on this machine. */
  #offer({ name, missing }: EditingModel): string[] {
    if (!missing || this.#offered.has(missing)) return [];
    this.#offered.add(missing);
    return [missingTwinWarning(name, missing)];
  }

  /** Reads the pictures that steer an image of this size. */
  async #steer(
    loaded: Loaded,
    request: Pick<GenerateRequest, 'controls' | 'references' | 'regions'>,
    size: Parameters<typeof readSteering>[2],
  ): Promise<void> {
    const host = { backend: this.#backend, threads: loaded.threads };
    Object.assign(loaded, await readSteering(loaded.model, request, size, host));
  }

  /** The precision that is asked for, or the one for this machine. */
  async #precision(
    { precision, loras = [] }: Pick<GenerateRequest, 'precision' | 'loras'>,
    { model, components }: Loaded,
    { width, height, edit }: { width: number; height: number; edit?: boolean },
  ): Promise<Precision> {
    // A recipe may come from a device with another arithmetic.
    if (precision) return precisionOn(this.#backend.can, precision);
    const [across, down] = [width, height].map((side) => Math.min(side, model.sizes.max));
    const device = plannedDevice(this.#backend);
    const merged = loras.length > 0;
    const stored = await components.storedForms(['denoiser', ...model.textRoles]);
    const picture = { width: across!, height: down!, batch: 2, edit, device, stored, merged };
    return defaultPrecision(model, components, picture, this.#backend);
  }

  /** Drops what is remembered of images. */
  async #forget(): Promise<void> {
    this.#memory.features.clear();
    this.#memory.analyses.clear();
  }
}

function readingOf(
  { clipSkip }: Pick<GenerateRequest, 'clipSkip'>,
  { embeddings }: Pick<ReadPrompts<object>, 'embeddings'>,
): Reading {
  return { embeddings, ...(clipSkip && { clipSkip }) };
}

/** What rehearsed edits paint: the bounds of the mask, or a part in the middle. */
function rehearsedMask({ width, height }: { width: number; height: number }, masked?: Area): Raster {
  if (!masked) return rasterOfMask(centredMask(height, width, REHEARSED));
  const mask = blankRaster(width, height, 1);
  const part = blankPatch(masked);
  part.data.fill(255);
  paste(mask, part);
  return mask;
}

/** The size at which an edit works; undefined if nothing is masked. */
function workedOn(
  picture: { width: number; height: number },
  box: Box | undefined,
  model: DiffusionModel,
  zoom: ZoomMode,
): { width: number; height: number } | undefined {
  return box && workedSize(windowFor(picture, box, model, zoom));
}

/** The prompt of an edit; for a removal without one, the model's own for surroundings. */
function promptFor({ prompt, remove }: EditRequest, { removalPrompt = '' }: GenerationDefaults): string {
  return remove && prompt.trim() === '' ? removalPrompt : prompt;
}

/** The strength of an edit that says none. */
function strengthOf({ colours }: EditRequest, isWhole: boolean, seesMask: boolean): number {
  if (colours) return COLOUR_STRENGTH;
  return isWhole ? WHOLE_STRENGTH : defaultStrength(seesMask);
}

/** A model that sees the mask needs nothing of what was under it. */
function defaultStrength(seesMask: boolean): number {
  return seesMask ? 1 : DEFAULT_STRENGTH;
}

function seesMaskOf(model: DiffusionModel): boolean {
  return seesMask(model.network('denoiser'), model.autoencoder.latentChannels);
}

/** A request with the step plan of its budget, which may bring an adapter. */
function planned<Request extends GenerateRequest | EditRequest>(
  request: Request,
  { recipe: { stepPlan } }: Computed['spending'],
): Request {
  return stepPlan === undefined ? request : { ...request, stepPlan };
}

function secondsSince(begin: number): number {
  return (performance.now() - begin) / 1000;
}

function shareBy(team: Team | undefined): Share | undefined {
  return team && shareOver(team);
}

/** @param precision chosen once the weights are open; no budget depends on it */
function recipeFor(
  request: GenerateRequest,
  { model }: Pick<ReadyModel, 'model'>,
  precision: Precision = 'fp32',
): Recipe {
  const scheduler = request.scheduler ?? schedulerNameOf(model.schedulerConfig);
  return recipeOf(request, { name: model.name, defaults: model.defaults, scheduler, precision });
}
