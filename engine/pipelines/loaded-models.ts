import type {
  CallOptions,
  EditProgress,
  EditRequest,
  GenerateProgress,
  GenerateRequest,
} from '../../shared/api.ts';
import type { Backend } from '../execution/backend.ts';
import { Components } from '../execution/components.ts';
import { settingsOf } from '../models/content-hash.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { fastDecoder, openDrawingModel } from '../models/open.ts';
import { imageSize } from '../models/sizes.ts';
import { withMeasuredPrediction } from './measured-prediction.ts';
import { openPromptEncoder } from './prompt-encoder.ts';
import type { ReadyModel } from './ready-model.ts';
import { steeredModel } from './steering.ts';

/** A model that stays loaded for the next call. */
export interface Loaded extends ReadyModel {
  threads: number;
  /** Bytes that its networks may have taken by now, as predicted. */
  held: number;
  /** Contents of its configs when it was opened; see `settingsOf`. */
  settings: string;
}

type Opened = Awaited<ReturnType<typeof openDrawingModel>>;

/** The models of the last calls: the last one, and a small one before it. */
export class LoadedModels {
  readonly #backend: Backend;
  /** Drops what was computed by the models, whose files have changed. */
  readonly #forget: () => Promise<void>;
  #current: Loaded | undefined;
  /** A small model that was used before: Scenes generates with one and edits with its twin, in turns. */
  #before: Loaded | undefined;

  constructor(backend: Backend, forget: () => Promise<void>) {
    this.#backend = backend;
    this.#forget = forget;
  }

  /** Reads the configs of a request's model, and no weights. @throws InputError if it cannot be used */
  open(request: GenerateRequest | EditRequest): Promise<Opened> {
    return openDrawingModel(request.model, request);
  }

  /** The model of a request, loaded now unless it is. @throws InputError if it cannot be used */
  async load(
    request: GenerateRequest | EditRequest,
    { signal, onProgress }: CallOptions<GenerateProgress & EditProgress>,
    already?: Opened,
  ): Promise<Loaded> {
    const threads = request.threads || this.#backend.threads;
    const opened = already ?? (await this.open(request));
    // Before its weights are read.
    if ('width' in request || 'height' in request) imageSize(opened.model, request);
    const steered = await steeredModel(opened.model, request);
    const settings = await settingsOf(steered);
    await this.#forgetChanged(steered.id, settings);
    const known = await this.#known(steered.id, threads);
    if (known) return known;
    await this.#setAside();
    const { model: base, warnings } = await this.#withPrediction(opened, threads);
    const model = base === opened.model ? steered : await steeredModel(base, request);
    const keepsFeatures = this.#backend.device !== 'cpu';
    const components = new Components(model, this.#backend, threads, { keepsFeatures });
    await components.open(['denoiser', ...model.textRoles], {
      signal,
      onProgress: (step, steps) => onProgress?.({ stage: 'merge', step, steps }),
    });
    const text = await openPromptEncoder(model, components);
    const preview = await previewOf(model, this.#backend, threads, request.modelFolders);
    this.#current = {
      model,
      components,
      text,
      threads,
      warnings,
      held: 0,
      settings,
      ...(preview && { preview }),
    };
    return this.#current;
  }

  async unload(): Promise<void> {
    for (const loaded of [this.#current, this.#before]) {
      await loaded?.components.release();
      await loaded?.preview?.release();
    }
    this.#current = undefined;
    this.#before = undefined;
  }

  /** The model if it is loaded; it becomes the current one. */
  async #known(id: string, threads: number): Promise<Loaded | undefined> {
    const isIt = (loaded: Loaded | undefined): loaded is Loaded =>
      loaded?.model.id === id && loaded.threads === threads;
    if (isIt(this.#current)) return this.#current;
    const before = this.#before;
    if (!isIt(before)) return undefined;
    this.#before = undefined;
    await this.#setAside();
    this.#current = before;
    return before;
  }

  /** Finds out what a model predicts whose file does not say it. */
  async #withPrediction({ model, warnings }: Opened, threads: number) {
    if (!model.unsure) return { model, warnings };
    const measured = await withMeasuredPrediction(model, this.#backend, threads);
    return { model: measured.model, warnings: [...warnings, measured.note] };
  }

  /** Unloads models whose files have changed, and drops what was computed by them. */
  async #forgetChanged(id: string, settings: string): Promise<void> {
    const loaded = [this.#current, this.#before].filter((known) => known !== undefined);
    const checks = await Promise.allSettled(loaded.map(({ components }) => components.requireUnchanged()));
    const isSame = loaded.every((known) => known.model.id !== id || known.settings === settings);
    if (isSame && checks.every(({ status }) => status === 'fulfilled')) return;
    await this.#forget();
    await this.unload();
  }

  /** Makes room for another model; a small one stays loaded. */
  async #setAside(): Promise<void> {
    const current = this.#current;
    const isSmall = (await current?.components.isSmall()) ?? false;
    if (isSmall) this.#current = undefined;
    await this.unload();
    if (isSmall) this.#before = current;
  }
}

/** A fast decoder for previews, where the model's own is slow and TAESD is on this machine. */
async function previewOf(
  model: DiffusionModel,
  backend: Backend,
  threads: number,
  folders?: readonly string[],
): Promise<Components | undefined> {
  if (model.autoencoder.kind === 'tiny') return undefined;
  const { place } = await fastDecoder(model, folders);
  return place ? new Components(await model.withAutoencoder(place), backend, threads) : undefined;
}
