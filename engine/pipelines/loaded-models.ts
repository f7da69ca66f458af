import type {
  CallOptions,
  EditProgress,
  EditRequest,
  GenerateProgress,
  GenerateRequest,
} from '../../shared/api.ts';
import { adapterOf } from '../../shared/stepPlan.ts';
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
  /** The model to which the adapter of a step plan was added, and the adapter. */
  adapted?: string;
}

type Opened = Awaited<ReturnType<typeof openDrawingModel>> & {
  /** With what steers the image. */
  steered: DiffusionModel;
  /** Contents of its configs; see `settingsOf`. */
  settings: string;
  /** The adapter of its step plan. */
  adapter: string | undefined;
  /** Whether the files of all loaded models are what they were. */
  unchanged: boolean;
};

/**
 * Most small models that are kept beside the current one: Scenes generates with one model, drafts with the same after an
 * adapter was merged, and edits with its twin, in turns.
 */
const KEPT = 2;

/** The models of the last calls: the last one, and small ones before it. */
export class LoadedModels {
  readonly #backend: Backend;
  /** Drops what was computed by the models, whose files have changed. */
  readonly #forget: () => Promise<void>;
  #current: Loaded | undefined;
  /** Small models that were used before, the last one first. */
  #before: Loaded[] = [];

  constructor(backend: Backend, forget: () => Promise<void>) {
    this.#backend = backend;
    this.#forget = forget;
  }

  /** Reads the configs of a request's model, and no weights. @throws InputError if it cannot be used */
  async open(request: GenerateRequest | EditRequest): Promise<Opened> {
    const [opened, unchanged] = await Promise.all([
      openDrawingModel(request.model, request),
      this.#areUnchanged(),
    ]);
    const steered = await steeredModel(opened.model, request);
    const adapter = adapterOf(request.stepPlan);
    return { ...opened, steered, settings: await settingsOf(steered), adapter, unchanged };
  }

  /**
   * The model of a request, loaded now unless it is.
   * @param already opened for the request, perhaps before it had a step plan
   * @throws InputError if it cannot be used
   */
  async load(
    request: GenerateRequest | EditRequest,
    { signal, onProgress }: CallOptions<GenerateProgress & EditProgress>,
    already?: Opened,
  ): Promise<Loaded> {
    const threads = request.threads || this.#backend.threads;
    const adapter = adapterOf(request.stepPlan);
    const adapted = already && already.adapter !== adapter ? `${already.steered.id} @${adapter}` : undefined;
    const ready = adapted && already && (await this.#adapted(adapted, already, threads));
    if (ready) return ready;
    const opened = already && !adapted ? already : await this.open(request);
    const { steered, settings } = opened;
    // Before its weights are read.
    if ('width' in request || 'height' in request) imageSize(steered, request);
    await this.#forgetChanged(opened);
    const known = await this.#known(
      ({ model, ...one }) => model.id === steered.id && one.threads === threads,
    );
    if (known) {
      if (adapted) known.adapted = adapted;
      return known;
    }
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
      ...(adapted && { adapted }),
    };
    return this.#current;
  }

  /** Whether a model is still loaded. */
  has(loaded: Loaded): boolean {
    return this.#loaded().includes(loaded);
  }

  async unload(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    if (current) await release(current);
    await this.unloadOthers();
  }

  /** Frees all but the current model. */
  async unloadOthers(): Promise<void> {
    const others = this.#before;
    this.#before = [];
    for (const loaded of others) await release(loaded);
  }

  /** An opened model with an adapter that was added to it before. It need not be opened again, since no file has changed. */
  async #adapted(
    adapted: string,
    { settings, unchanged }: Opened,
    threads: number,
  ): Promise<Loaded | undefined> {
    if (!unchanged) return undefined;
    return this.#known(
      (one) => one.adapted === adapted && one.settings === settings && one.threads === threads,
    );
  }

  /** The model if it is loaded; it becomes the current one. */
  async #known(isIt: (loaded: Loaded) => boolean): Promise<Loaded | undefined> {
    if (this.#current && isIt(this.#current)) return this.#current;
    const before = this.#before.find(isIt);
    if (!before) return undefined;
    this.#before = this.#before.filter((loaded) => loaded !== before);
    await this.#setAside();
    this.#current = before;
    return before;
  }

  /** Finds out what a model predicts whose file does not say it. */
  async #withPrediction({ model, warnings }: Pick<Opened, 'model' | 'warnings'>, threads: number) {
    if (!model.unsure) return { model, warnings };
    const measured = await withMeasuredPrediction(model, this.#backend, threads);
    return { model: measured.model, warnings: [...warnings, measured.note] };
  }

  /** Unloads models whose files have changed, and drops what was computed by them. */
  async #forgetChanged({ steered: { id }, settings, unchanged }: Opened): Promise<void> {
    const isSame = this.#loaded().every((known) => known.model.id !== id || known.settings === settings);
    if (isSame && unchanged) return;
    await this.#forget();
    await this.unload();
  }

  async #areUnchanged(): Promise<boolean> {
    const checks = this.#loaded().map(({ components }) => components.requireUnchanged());
    return (await Promise.allSettled(checks)).every(({ status }) => status === 'fulfilled');
  }

  #loaded(): Loaded[] {
    return [...(this.#current ? [this.#current] : []), ...this.#before];
  }

  /** Makes room for another model: a small one stays loaded, a large one and those before it are freed. */
  async #setAside(): Promise<void> {
    const current = this.#current;
    if (!current) return;
    if (!(await current.components.isSmall())) return this.unload();
    this.#current = undefined;
    this.#before.unshift(current);
    for (const loaded of this.#before.splice(KEPT)) await release(loaded);
  }
}

async function release({ components, preview }: Loaded): Promise<void> {
  await components.release();
  await preview?.release();
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
  // One that is damaged, or cannot be read, is no reason not to generate: nobody has asked for it.
  const drawn = place ? await model.withAutoencoder(place).catch(() => undefined) : undefined;
  return drawn && new Components(drawn, backend, threads);
}
