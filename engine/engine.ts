import type {
  BenchmarkProgress,
  BenchmarkRequest,
  BenchmarkResult,
  CallOptions,
  DescribeRequest,
  DescribeResult,
  EditProgress,
  EditRequest,
  EditResult,
  Engine,
  FindThingsProgress,
  FindThingsRequest,
  FindThingsResult,
  GenerateProgress,
  GenerateRequest,
  GenerateResult,
  Recipe,
  SegmentRequest,
  SegmentResult,
  StoreReport,
} from './api.ts';
import { benchmark } from './benchmark/benchmark.ts';
import { checkBenchmark } from './benchmark/request.ts';
import type { ModelFolder } from './models/folder.ts';
import { fastDecoder, openDrawingModel } from './models/open.ts';
import { decodeMask, decodeSoftMask } from './pictures/mask.ts';
import { decodePicture } from './pictures/read.ts';
import { Components } from './pipelines/components.ts';
import { DEFAULT_DILATION, edit } from './pipelines/edit.ts';
import type { EditMemory } from './pipelines/memory.ts';
import type { ReadyModel } from './pipelines/ready-model.ts';
import { checkEdit, checkGenerate, recipeOf } from './pipelines/request.ts';
import { checkDescribe, checkFindThings, checkSegment } from './pipelines/segment/request.ts';
import { Sight } from './pipelines/segment/sight.ts';
import { TextEncoder } from './pipelines/text-encoder.ts';
import { textToImage } from './pipelines/text-to-image.ts';
import { FeatureStore } from './regions/store.ts';
import type { Runtime } from './runtime/runtime.ts';
import { schedulerNameOf } from './schedulers/create.ts';

export interface EngineOptions {
  /** Bytes that recorded features may take; a quarter of the machine's memory unless told otherwise. */
  storeBudget?: number;
}

/** The engine in this process. Calls run one after another; the caller sees to that. */
export function createEngine(runtime: Runtime, options: EngineOptions = {}): Engine {
  return new LocalEngine(runtime, options);
}

/** How much of the old picture an edit forgets unless told otherwise. */
const DEFAULT_STRENGTH = 0.9;

class LocalEngine implements Engine {
  readonly #runtime: Runtime;
  readonly #memory: EditMemory;
  /** Settles when what the last edit leaves for later ones is in the memory: the caller does not wait for it. */
  #remembered: Promise<void> = Promise.resolve();
  readonly #sight: Sight;
  /** The model of the last call, ready for the next. */
  #loaded: (ReadyModel & { threads: number }) | undefined;

  constructor(runtime: Runtime, { storeBudget = runtime.memoryBytes / 4 }: EngineOptions) {
    this.#runtime = runtime;
    this.#memory = { features: new FeatureStore(storeBudget), studies: new Map() };
    this.#sight = new Sight(runtime);
  }

  async generate(
    request: GenerateRequest,
    options: CallOptions<GenerateProgress> = {},
  ): Promise<GenerateResult> {
    const checked = checkGenerate(request);
    options.signal?.throwIfAborted();
    const loaded = await this.#load(checked);
    const { previews, remember } = checked;
    const memory = remember ? this.#memory : undefined;
    const result = await textToImage(loaded, recipeFor(checked, loaded), { ...options, previews, memory });
    return { ...result, warnings: [...loaded.warnings, ...result.warnings] };
  }

  async edit(request: EditRequest, options: CallOptions<EditProgress> = {}): Promise<EditResult> {
    const checked = checkEdit(request);
    options.signal?.throwIfAborted();
    const picture = await decodePicture(checked.image, 'The image');
    const readMask = checked.softMask ? decodeSoftMask : decodeMask;
    const { mask, coverage, warnings } = await readMask(checked.mask, 'The mask', picture);
    const loaded = await this.#load(checked);
    const { strength = DEFAULT_STRENGTH, mode = 'sparse', dilation = DEFAULT_DILATION, previews } = checked;
    const recipe = { ...recipeFor(checked, loaded), width: picture.width, height: picture.height };
    const task = { picture, mask, coverage, recipe, strength, mode, dilation };
    await this.#remembered;
    const { result, remember } = await edit(loaded, this.#memory, task, { ...options, previews });
    // The result goes out first; and what is not remembered is computed again.
    this.#remembered = new Promise((resolve) => setTimeout(resolve)).then(remember).catch(() => {});
    return { ...result, warnings: [...loaded.warnings, ...warnings, ...result.warnings] };
  }

  async segment(request: SegmentRequest, options?: CallOptions<never>): Promise<SegmentResult> {
    return this.#sight.segment(checkSegment(request), options);
  }

  async findThings(
    request: FindThingsRequest,
    options?: CallOptions<FindThingsProgress>,
  ): Promise<FindThingsResult> {
    return this.#sight.findThings(checkFindThings(request), options);
  }

  async describe(request: DescribeRequest, options?: CallOptions<never>): Promise<DescribeResult> {
    return this.#sight.describe(checkDescribe(request), options);
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
    const host = { runtime: this.#runtime, openEngine: (runtime: Runtime) => createEngine(runtime) };
    return benchmark(checked, host, options);
  }

  async dispose(): Promise<void> {
    await this.#remembered;
    this.#memory.features.clear();
    this.#memory.studies.clear();
    await this.#sight.release();
    await this.#unload();
  }

  async #load(request: GenerateRequest | EditRequest): Promise<ReadyModel> {
    const threads = request.threads || this.#runtime.threads;
    const { model, warnings } = await openDrawingModel(request.model, request);
    if (this.#loaded?.model.id === model.id && this.#loaded.threads === threads) return this.#loaded;
    await this.#unload();
    const components = new Components(model, this.#runtime, threads);
    const text = await TextEncoder.open(model, components);
    const preview = await previewOf(model, this.#runtime, threads);
    this.#loaded = { model, components, text, threads, warnings, ...(preview && { preview }) };
    return this.#loaded;
  }

  async #unload(): Promise<void> {
    await this.#loaded?.components.release();
    await this.#loaded?.preview?.release();
    this.#loaded = undefined;
  }
}

/** A fast decoder for previews, where the model's own is slow and TAESD is on this machine. */
async function previewOf(
  model: ModelFolder,
  runtime: Runtime,
  threads: number,
): Promise<Components | undefined> {
  if (model.autoencoder.kind === 'tiny') return undefined;
  const { folder } = await fastDecoder(model);
  return folder ? new Components(await model.withAutoencoder(folder), runtime, threads) : undefined;
}

function recipeFor(request: GenerateRequest, { model }: ReadyModel): Recipe {
  const scheduler = schedulerNameOf(model.schedulerConfig);
  return recipeOf(request, { name: model.name, defaults: model.defaults, scheduler });
}
