import {
  type BenchmarkProgress,
  type BenchmarkRequest,
  type BenchmarkResult,
  type BusOptions,
  type CallOptions,
  type CutOutRequest,
  type CutOutResult,
  type DescribeRequest,
  type DescribeResult,
  type DeviceId,
  type EditProgress,
  type EditRequest,
  type EditResult,
  type Engine,
  type FindThingsProgress,
  type FindThingsRequest,
  type FindThingsResult,
  type GenerateProgress,
  type GenerateRequest,
  type GenerateResult,
  isFloat,
  type Precision,
  type PrepareEditRequest,
  type PrepareEditResult,
  type Recipe,
  type SegmentRequest,
  type SegmentResult,
  type StoreReport,
  type UpscaleProgress,
  type UpscaleRequest,
  type UpscaleResult,
} from '../shared/api.ts';
import { defined } from '../shared/defined.ts';
import { DEFAULT_STRENGTH, LIMITS, WHOLE_STRENGTH } from '../shared/limits.ts';
import { benchmark } from './benchmark/benchmark.ts';
import { checkBenchmark } from './benchmark/check-request.ts';
import { InputError } from './errors.ts';
import type { Backend } from './execution/backend.ts';
import { Components } from './execution/components.ts';
import { defaultPrecision } from './execution/default-precision.ts';
import { isGuided, seesMask } from './execution/denoiser-inputs.ts';
import {
  type MemoryPlan,
  type PlannedPicture,
  planMemory,
  plannedDevice,
  predictMemory,
} from './execution/memory-plan.ts';
import type { Share } from './execution/shared-run.ts';
import { denoiserVersion, settingsOf } from './models/content-hash.ts';
import { openControlModel } from './models/control-model.ts';
import type { DiffusionModel } from './models/diffusion-model.ts';
import { EMBEDDED } from './models/embedded.ts';
import type { GenerationDefaults, Model } from './models/model.ts';
import {
  type EditingModel,
  editingModel,
  fastDecoder,
  openDrawingModel,
  placeOfModel,
} from './models/open.ts';
import { openReferenceModel } from './models/reference-model.ts';
import { imageSize } from './models/sizes.ts';
import type { Crew, OpenCrew } from './parallel/job.ts';
import { shareOut } from './parallel/share.ts';
import { TEAM_DEFAULTS, type Team } from './parallel/team.ts';
import { decodePicture } from './pictures/read.ts';
import { chooseWindow } from './pictures/window.ts';
import { budgeted, fullProcess } from './pipelines/budget/budgeted.ts';
import {
  checkEdit,
  checkGenerate,
  checkPrepareEdit,
  checkUpscale,
  recipeOf,
} from './pipelines/check-request.ts';
import { ControlPictures } from './pipelines/control-pictures.ts';
import { edit } from './pipelines/edit.ts';
import type { EditCache } from './pipelines/edit-cache.ts';
import { editedPart } from './pipelines/edited-part.ts';
import { withMeasuredPrediction } from './pipelines/measured-prediction.ts';
import { openPromptEncoder } from './pipelines/prompt-encoder.ts';
import { type ReadPrompts, readPrompts } from './pipelines/prompts.ts';
import type { ReadyModel } from './pipelines/ready-model.ts';
import { editSteps, record } from './pipelines/record.ts';
import { ReferenceImages, sizedByReference } from './pipelines/reference-images.ts';
import { ReferencePictures, referenceGroups } from './pipelines/reference-pictures.ts';
import {
  checkCutOut,
  checkDescribe,
  checkFindThings,
  checkSegment,
} from './pipelines/segment/check-request.ts';
import { cutOutPart } from './pipelines/segment/cut-out.ts';
import { Sight } from './pipelines/segment/sight.ts';
import type { Reading } from './pipelines/text-encoder.ts';
import { textToImage } from './pipelines/text-to-image.ts';
import { upscale } from './pipelines/upscale.ts';
import { FeatureStore } from './regions/store.ts';
import { schedulerNameOf } from './schedulers/create.ts';
import { scheduleOf } from './text/prompt-schedule.ts';

export interface EngineOptions {
  /** Where requests for several workers find them, and those for workers of other machines. */
  openCrew?: () => Crew;
  connect?: (bus: BusOptions) => Promise<Crew>;
  /** Starts an engine in a process of its own, for benchmarks of isolated cases. */
  startEngine?: () => Engine;
  /** Bytes that recorded features may take; a quarter of the machine's memory by default. */
  storeBudget?: number;
}

/** The engine in this process. Calls run one after another; the caller sees to that. */
export function createEngine(backend: Backend, options: EngineOptions = {}): Engine {
  return new LocalEngine(backend, options);
}

/** The model of the last call, ready for the next. */
interface Loaded extends ReadyModel {
  threads: number;
  /** Bytes that its networks may have taken by now, as predicted. */
  held: number;
  /** What its files said when it was opened; see `settingsOf`. */
  settings: string;
}

class LocalEngine implements Engine {
  readonly #backend: Backend;
  readonly #memory: EditCache;
  readonly #openCrew: EngineOptions['openCrew'];
  #crew: Crew | undefined;
  readonly #connect: EngineOptions['connect'];
  readonly #startEngine: EngineOptions['startEngine'];
  /** Remote crew used by the most recent call. */
  #remote: { key: string; crew: Crew } | undefined;
  /** Settles when what the last edit leaves for later ones is in the memory: the caller does not wait for it. */
  #remembered: Promise<void> = Promise.resolve();
  readonly #sight: Sight;
  /** Inpainting models that have been offered. */
  readonly #offered = new Set<string>();
  #loaded: Loaded | undefined;
  /** A small model that was used before: Scenes generates with one and edits with its twin, in turns. */
  #before: Loaded | undefined;

  constructor(
    backend: Backend,
    { storeBudget = backend.can.memoryBytes / 4, openCrew, connect, startEngine }: EngineOptions,
  ) {
    this.#startEngine = startEngine;
    this.#backend = backend;
    this.#openCrew = openCrew;
    this.#connect = connect;
    this.#memory = { features: new FeatureStore(storeBudget), analyses: new Map() };
    this.#sight = new Sight(backend);
  }

  async generate(
    given: GenerateRequest,
    options: CallOptions<GenerateProgress> = {},
  ): Promise<GenerateResult> {
    const begin = performance.now();
    const asked = checkGenerate(given);
    options.signal?.throwIfAborted();
    await this.#sweep();
    const { request, ...told } = await readPrompts(asked, await placeOfModel(asked.model));
    const loaded = await this.#load(request, options);
    const checked = await sizedByReference(request, loaded.model);
    loaded.reading = readingOf(checked, told);
    const { previews, remember } = checked;
    const { width, height } = imageSize(loaded.model, checked);
    await this.#steer(loaded, checked, { width, height });
    const precision = await this.#precision(checked, loaded, { width, height });
    const team = await this.#team(checked, loaded.model);
    const spending = spendingOf(checked, loaded, recipeFor(checked, loaded, precision), team);
    const { recipe } = spending;
    // Workers hold the U-Net, and features lie with them, each holding its part.
    const editing = await editingModel(checked.model, checked.editModel);
    const editsItself = editing.name === (checked.model ?? EMBEDDED);
    const remembers = remember && editsItself && !team && (await this.#remembers(loaded, recipe));
    const plan = team || remembers ? 'together' : await this.#plan(loaded, recipe);
    const memory = remembers ? this.#memory : undefined;
    const opening = secondsSince(begin);
    const result = await textToImage(loaded, recipe, {
      ...options,
      previews,
      memory,
      plan,
      share: shareBy(team),
    });
    await loaded.components.requireUnchanged();
    return {
      ...result,
      ...spending.budget,
      device: this.#backend.device,
      seconds: secondsSince(begin),
      loadSeconds: opening + result.loadSeconds,
      warnings: [
        ...loaded.warnings,
        ...told.warnings,
        ...spending.warnings,
        ...result.warnings,
        ...(await loaded.components.notices()),
      ],
    };
  }

  async edit(request: EditRequest, options: CallOptions<EditProgress> = {}): Promise<EditResult> {
    const begin = performance.now();
    const asked = checkEdit(request);
    const editing = await editingModel(asked.model, asked.editModel);
    const model = editing.name;
    options.signal?.throwIfAborted();
    await this.#sweep();
    const { request: checked, ...told } = await readPrompts({ ...asked, model }, await placeOfModel(model));
    const { picture, mask, coverage, warnings } = await editedPart(checked);
    const decoded = performance.now();
    const loaded = await this.#load(checked, options);
    loaded.reading = readingOf(checked, told);
    const isWhole = !checked.mask && !checked.extend;
    const {
      strength = isWhole ? WHOLE_STRENGTH : defaultStrength(seesMaskOf(loaded)),
      mode = isWhole ? 'dense' : 'sparse',
      zoom = 'off',
      previews,
    } = checked;
    const { width, height } = picture;
    await this.#steer(loaded, checked, { width, height });
    const precision = await this.#precision(checked, loaded, { width, height, edit: true });
    const { dilation = loaded.components.denoiser({ precision }).ring } = checked;
    const prompted = { ...checked, prompt: promptFor(checked, loaded.model.defaults) };
    const team = await this.#team(checked, loaded.model);
    const asIs = { ...recipeFor(prompted, loaded, precision), width, height };
    const spending = spendingOf(checked, loaded, asIs, team, true);
    const { recipe } = spending;
    if (!team) await this.#plan(loaded, recipe, { edit: true });
    const task = { picture, mask, coverage, recipe, strength, mode, dilation, zoom };
    const opening = secondsSince(decoded);
    await this.#remembered;
    const { result, remember } = await edit(loaded, this.#memory, task, {
      ...options,
      previews,
      raw: checked.raw,
      share: shareBy(team),
    });
    await loaded.components.requireUnchanged();
    // The result goes out first; and what is not remembered is computed again.
    this.#remembered = new Promise((resolve) => setTimeout(resolve)).then(remember).catch(() => {});
    return {
      ...result,
      ...spending.budget,
      device: this.#backend.device,
      seconds: secondsSince(begin),
      loadSeconds: opening + result.loadSeconds,
      warnings: [
        ...loaded.warnings,
        ...told.warnings,
        ...spending.warnings,
        ...warnings,
        ...result.warnings,
        ...(await loaded.components.notices()),
        ...this.#offer(editing),
      ],
    };
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
    const { workers = 0, bus } = checked;
    if (bus || workers > 1) return nothing();
    const picture = await decodePicture(checked.image, 'The image');
    const { width, height } = picture;
    const place = await placeOfModel(checked.model);
    const { request: asked, ...told } = await readPrompts({ ...checked, prompt: '' }, place);
    const loaded = await this.#load(asked, options);
    loaded.reading = readingOf(asked, told);
    await this.#steer(loaded, asked, { width, height });
    const precision = await this.#precision(asked, loaded, { width, height, edit: true });
    const { strength = defaultStrength(seesMaskOf(loaded)) } = checked;
    const asIs = { ...recipeFor(asked, loaded, precision), width, height };
    const { recipe } = spendingOf(checked, loaded, asIs, undefined, true);
    const about = { recipe, editSteps: editSteps(loaded.model, recipe, strength) };
    // Of a larger picture the edit's mask decides which part is worked on.
    const { sizes } = loaded.model;
    if (Math.max(width, height) > sizes.max) return nothing(about);
    await this.#remembered;
    if (!(await this.#remembers(loaded, recipe))) return nothing(about);
    const whole = { x: { from: 0, to: width }, y: { from: 0, to: height } };
    const window = chooseWindow(picture, whole, sizes);
    const recorded = await record(loaded, this.#memory, { picture, window, recipe, strength }, options);
    return { ...about, ...recorded };
  }

  async segment(request: SegmentRequest, options?: CallOptions<never>): Promise<SegmentResult> {
    return this.#onDevice(await this.#sight.segment(checkSegment(request), options));
  }

  async findThings(
    request: FindThingsRequest,
    options?: CallOptions<FindThingsProgress>,
  ): Promise<FindThingsResult> {
    return this.#onDevice(await this.#sight.findThings(checkFindThings(request), options));
  }

  async cutOut(request: CutOutRequest, options?: CallOptions<never>): Promise<CutOutResult> {
    return cutOutPart(checkCutOut(request), (asked) => this.#sight.segment(asked, options));
  }

  async describe(request: DescribeRequest, options?: CallOptions<never>): Promise<DescribeResult> {
    return this.#onDevice(await this.#sight.describe(checkDescribe(request), options));
  }

  /** Frees features on a device that earlier calls have dropped. */
  async #sweep(): Promise<void> {
    if (this.#backend.device === 'cpu') return;
    await this.#remembered;
    this.#memory.features.sweep();
  }

  #onDevice<Result extends object>(result: Result): Result & { device: DeviceId } {
    return { ...result, device: this.#backend.device };
  }

  async upscale(request: UpscaleRequest, options?: CallOptions<UpscaleProgress>): Promise<UpscaleResult> {
    return upscale(checkUpscale(request), this.#backend, options);
  }

  async store(): Promise<StoreReport> {
    await this.#remembered;
    const { features } = this.#memory;
    return { budgetBytes: features.budget, bytes: features.bytes, pictures: features.contents() };
  }

  async benchmark(
    request: BenchmarkRequest,
    options: CallOptions<BenchmarkProgress> = {},
  ): Promise<BenchmarkResult> {
    const checked = checkBenchmark(request);
    options.signal?.throwIfAborted();
    // A loaded model would take memory from what is measured.
    await this.#unload();
    const host = {
      backend: this.#backend,
      openEngine: (backend: Backend) =>
        createEngine(backend, { openCrew: this.#openCrew, connect: this.#connect }),
      startEngine: this.#startEngine,
      openCrew: this.#crewOpener(checked.bus),
    };
    return benchmark(checked, host, options);
  }

  async dispose(): Promise<void> {
    await this.#remembered;
    this.#memory.features.clear();
    this.#memory.features.sweep();
    this.#memory.analyses.clear();
    await this.#sight.release();
    await this.#unload();
    await this.#crew?.dispose();
    await this.#remote?.crew.dispose();
  }

  /** What opens a crew of its own for a benchmark. */
  #crewOpener(bus: BusOptions | undefined): OpenCrew | undefined {
    const connect = this.#connect;
    if (!bus) return this.#openCrew;
    return connect && (() => connect(bus));
  }

  async #team(request: GenerateRequest | EditRequest, opened: Model): Promise<Team | undefined> {
    const { workers = 0, threads, patch = {}, bus, loras = [], attention, model = EMBEDDED } = request;
    if (!bus && workers < 2) return undefined;
    // A transformer's bands would read references as they were at the last dense step.
    if (request.controls?.length || request.references?.length)
      throw new InputError(
        'Workers take no control images and references: leave out the workers, or these images.',
      );
    if (loras.length > 0)
      throw new InputError('Workers do not take LoRA files: leave out the workers, or the LoRA files.');
    if (attention === 'sampled')
      throw new InputError('Workers compute attention in full: leave out the workers, or sampled attention.');
    const prompts = [request.prompt, request.negativePrompt ?? ''];
    if (bus && prompts.some((prompt) => scheduleOf(prompt, LIMITS.steps.max).length > 1))
      throw new InputError(
        'Workers of other machines read one prompt for all steps: leave out the bus, or the words that change ([a:b:0.5], [a|b]).',
      );
    // The last edit's workers may still be keeping its features.
    await this.#remembered;
    this.#crew ??= bus ? undefined : this.#openCrew?.();
    const crew = bus ? await this.#remoteCrew(bus) : this.#crew;
    if (!crew) throw new InputError('This engine has no workers.');
    const version = await denoiserVersion(opened);
    const members = await crew.members(workers, threads || undefined, model);
    return { model, version, members, options: { ...TEAM_DEFAULTS, ...defined(patch), alike: crew.alike } };
  }

  /** Says once which inpainting model would edit better, where it is not on this machine. */
  #offer({ name, missing }: EditingModel): string[] {
    if (!missing || this.#offered.has(missing)) return [];
    this.#offered.add(missing);
    return [
      `${name} does not see the mask; ${missing} does, so that what it paints fits. Once it is installed it makes the edits: Patchwork: Manage Models… in VS Code, or patchwork models get ${missing} in a terminal.`,
    ];
  }

  async #remoteCrew(bus: BusOptions): Promise<Crew | undefined> {
    const key = JSON.stringify(bus);
    if (this.#remote?.key === key) return this.#remote.crew;
    await this.#remote?.crew.dispose();
    this.#remote = undefined;
    const crew = await this.#connect?.(bus);
    if (crew) this.#remote = { key, crew };
    return crew;
  }

  async #load(
    request: GenerateRequest | EditRequest,
    { signal, onProgress }: CallOptions<GenerateProgress & EditProgress>,
  ): Promise<Loaded> {
    const threads = request.threads || this.#backend.threads;
    const opened = await openDrawingModel(request.model, request);
    // Before its weights are read.
    if ('width' in request || 'height' in request) imageSize(opened.model, request);
    const steered = await steeredModel(opened.model, request);
    const settings = await settingsOf(steered);
    await this.#forgetChanged(steered.id, settings);
    const isLoaded = (known: Loaded | undefined): known is Loaded =>
      known?.model.id === steered.id && known.threads === threads;
    if (isLoaded(this.#loaded)) return this.#loaded;
    if (isLoaded(this.#before)) {
      const again = this.#before;
      this.#before = undefined;
      await this.#setAside();
      this.#loaded = again;
      return again;
    }
    await this.#setAside();
    const { model: base, warnings } = await this.#known(opened, threads);
    const model = base === opened.model ? steered : await steeredModel(base, request);
    const keepsFeatures = this.#backend.device !== 'cpu';
    const components = new Components(model, this.#backend, threads, { keepsFeatures });
    await components.open(['denoiser', ...model.textRoles], {
      signal,
      onProgress: (step, steps) => onProgress?.({ stage: 'merge', step, steps }),
    });
    const text = await openPromptEncoder(model, components);
    const preview = await previewOf(model, this.#backend, threads);
    this.#loaded = {
      model,
      components,
      text,
      threads,
      warnings,
      held: 0,
      settings,
      ...(preview && { preview }),
    };
    return this.#loaded;
  }

  /** Reads the pictures that steer an image of this size. */
  async #steer(
    loaded: Loaded,
    { controls = [], references = [] }: Pick<GenerateRequest, 'controls' | 'references'>,
    size: { width: number; height: number },
  ): Promise<void> {
    const { model, threads } = loaded;
    const host = { backend: this.#backend, threads };
    loaded.controls =
      controls.length > 0 ? await ControlPictures.open(controls, model.controls, size, host) : undefined;
    const readsImages = model.readsImages && references.length > 0;
    loaded.images = readsImages ? await ReferenceImages.open(references, model) : undefined;
    const image = { ...size, scale: model.autoencoder.scale };
    loaded.references =
      model.references && (await ReferencePictures.open(references, model.references.model, image, host));
  }

  /** Finds out what a model predicts whose file does not say it. */
  async #known({ model, warnings }: Pick<Loaded, 'model' | 'warnings'>, threads: number) {
    if (!model.unsure) return { model, warnings };
    const measured = await withMeasuredPrediction(model, this.#backend, threads);
    return { model: measured.model, warnings: [...warnings, measured.note] };
  }

  /** The precision that is asked for, or the one for this machine. */
  async #precision(
    { precision }: Pick<GenerateRequest, 'precision'>,
    { model, components }: Loaded,
    { width, height, edit }: { width: number; height: number; edit?: boolean },
  ): Promise<Precision> {
    const [across, down] = [width, height].map((side) => Math.min(side, model.sizes.max));
    const device = plannedDevice(this.#backend.can);
    const picture = { width: across!, height: down!, batch: 2, edit, device };
    // A recipe may come from a device with another arithmetic.
    if (precision === 'fp16' && !this.#backend.can.precisions.includes(precision)) return 'fp32';
    return precision ?? defaultPrecision(model, components, picture, this.#backend);
  }

  /** Whether memory is enough to keep the features of a picture, for edits of it; if so it is planned for. */
  async #remembers(loaded: Loaded, recipe: Recipe): Promise<boolean> {
    const { together } = predictMemory(
      loaded.model,
      await plannedPicture(loaded, recipe, { records: true, device: plannedDevice(this.#backend.can) }),
    );
    if (together > this.#availableTo(loaded)) return false;
    await this.#plan(loaded, recipe, { records: true });
    return true;
  }

  /** How the networks are loaded so that the machine's memory is enough; throws where it is not. */
  async #plan(loaded: Loaded, recipe: Recipe, more: Purpose = {}): Promise<MemoryPlan> {
    const device = plannedDevice(this.#backend.can);
    const picture = await plannedPicture(loaded, recipe, { ...more, device });
    const needs = predictMemory(loaded.model, picture);
    const { together } = needs;
    const available = this.#availableTo(loaded);
    const held = Math.max(together, loaded.held);
    const plan =
      together <= loaded.held
        ? 'together'
        : planMemory(loaded.model, picture, available, this.#backend.can.precisions);
    loaded.held = plan === 'together' ? held : 0;
    // What is remembered of other pictures gives way.
    this.#memory.features.limit(available - (plan === 'together' ? held : needs[plan]));
    return plan;
  }

  /** Bytes that are free, or are taken by what a call may free. */
  #availableTo({ held }: Loaded): number {
    return this.#backend.availableBytes() + held + this.#memory.features.bytes;
  }

  /** A model whose files are others by now is loaded again, and what was computed by it is forgotten. */
  async #forgetChanged(id: string, settings: string): Promise<void> {
    const loaded = [this.#loaded, this.#before].filter((known) => known !== undefined);
    const checks = await Promise.allSettled(loaded.map(({ components }) => components.requireUnchanged()));
    const isSame = loaded.every((known) => known.model.id !== id || known.settings === settings);
    if (isSame && checks.every(({ status }) => status === 'fulfilled')) return;
    await this.#remembered;
    this.#memory.features.clear();
    this.#memory.analyses.clear();
    await this.#unload();
  }

  async #unload(): Promise<void> {
    for (const loaded of [this.#loaded, this.#before]) {
      await loaded?.components.release();
      await loaded?.preview?.release();
    }
    this.#loaded = undefined;
    this.#before = undefined;
  }

  /** Makes way for another model; a small one stays loaded. */
  async #setAside(): Promise<void> {
    const current = this.#loaded;
    const isSmall = (await current?.components.isSmall()) ?? false;
    if (isSmall) this.#loaded = undefined;
    await this.#unload();
    if (isSmall) this.#before = current;
  }
}

/** A model with what steers the images of a request. */
async function steeredModel(
  base: DiffusionModel,
  { controls = [], references = [], referenceModel, referenceEncoder }: Partial<GenerateRequest>,
): Promise<DiffusionModel> {
  if (controls.length === 0 && references.length === 0) return base;
  const models = await Promise.all(controls.map(({ model }) => openControlModel(model)));
  if (references.length === 0 || base.readsImages) {
    if (base.readsImages && referenceModel !== undefined)
      throw new InputError(`${base.name} reads reference images itself: leave out the IP-Adapter.`);
    return models.length > 0 ? base.steered(models, undefined) : base;
  }
  if (referenceModel === undefined)
    throw new InputError(
      'Say with --reference-model which IP-Adapter reads the reference images: give its file.',
    );
  const model = await openReferenceModel(referenceModel, referenceEncoder);
  return base.steered(models, { model, groups: referenceGroups(references) });
}

function readingOf(
  { clipSkip }: Pick<GenerateRequest, 'clipSkip'>,
  { embeddings }: Pick<ReadPrompts<object>, 'embeddings'>,
): Reading {
  return { embeddings, ...(clipSkip && { clipSkip }) };
}

/** A removal without a prompt asks for what the model calls the surroundings. */
function promptFor({ prompt, remove }: EditRequest, { removalPrompt = '' }: GenerationDefaults): string {
  return remove && prompt.trim() === '' ? removalPrompt : prompt;
}

/** A model that sees the mask needs nothing of what was under it. */
function defaultStrength(seesMask: boolean): number {
  return seesMask ? 1 : DEFAULT_STRENGTH;
}

function seesMaskOf({ components, model }: Loaded): boolean {
  return seesMask(components.network('denoiser'), model.autoencoder.latentChannels);
}

function secondsSince(begin: number): number {
  return (performance.now() - begin) / 1000;
}

function shareBy(team: Team | undefined): Share | undefined {
  return team && ((picture) => shareOut(team, picture));
}

/** What a picture is drawn for, where it is not only drawn. */
type Purpose = Pick<PlannedPicture, 'edit' | 'records' | 'device'>;

async function plannedPicture(
  { components, model }: Loaded,
  { width, height, guidance, precision, attention }: Recipe,
  purpose: Purpose,
): Promise<PlannedPicture> {
  const guided = isGuided(components.network('denoiser'), guidance);
  const side = (pixels: number) => Math.min(pixels, model.sizes.max);
  return {
    width: side(width),
    height: side(height),
    batch: guided ? 2 : 1,
    precision,
    rows: !isFloat(precision) || attention === 'sampled' || (await components.forms.rowsAreFaster()),
    ...purpose,
  };
}

/** A fast decoder for previews, where the model's own is slow and TAESD is on this machine. */
async function previewOf(
  model: DiffusionModel,
  backend: Backend,
  threads: number,
): Promise<Components | undefined> {
  if (model.autoencoder.kind === 'tiny') return undefined;
  const { folder } = await fastDecoder(model);
  return folder ? new Components(await model.withAutoencoder(folder), backend, threads) : undefined;
}

/** A recipe planned for the budget of its request, if there is one. */
function spendingOf(
  { budget = 1, stepPlan }: Pick<GenerateRequest, 'budget' | 'stepPlan'>,
  { model }: Loaded,
  recipe: Recipe,
  team: Team | undefined,
  isEdit = false,
): { recipe: Recipe; budget?: Pick<GenerateResult, 'budget'>; warnings: string[] } {
  if (budget === 1 || stepPlan !== undefined) return { recipe, warnings: [] };
  const process = fullProcess(model, recipe, { shared: team !== undefined, coding: !isEdit });
  // The measured plans are of new images; and where an edit begins is counted in the sampler's own steps.
  const planned = budgeted(recipe, budget, { ...process, places: process.places && !isEdit });
  return { ...planned, budget: { budget: planned.report } };
}

function recipeFor(request: GenerateRequest, { model }: ReadyModel, precision: Precision): Recipe {
  const scheduler = request.scheduler ?? schedulerNameOf(model.schedulerConfig);
  return recipeOf(request, { name: model.name, defaults: model.defaults, scheduler, precision });
}
