import { isFloat, type Recipe } from '../../shared/api.ts';
import type { Backend } from '../execution/backend.ts';
import { isGuided } from '../execution/denoiser-inputs.ts';
import {
  buffersFit,
  type MemoryNeeds,
  type MemoryPlan,
  type PlannedPicture,
  planMemory,
  plannedDevice,
  predictMemory,
} from '../execution/memory-plan.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import type { FeatureStore } from '../regions/store.ts';
import type { Loaded } from './loaded-models.ts';

/** What an image is also generated for, beside being shown. */
type Purpose = Pick<PlannedPicture, 'edit' | 'records'>;

/** Divides the memory of a backend between a model's networks and the features of earlier images. */
export class MemoryBudget {
  readonly #backend: Backend;
  readonly #features: FeatureStore;
  readonly #freeOthers: () => Promise<void>;
  /** Predictions by what they are for: each walks all networks. */
  readonly #predicted = new WeakMap<DiffusionModel, Map<string, MemoryNeeds>>();

  /** @param freeOthers unloads the models of earlier calls */
  constructor(backend: Backend, features: FeatureStore, freeOthers: () => Promise<void>) {
    this.#backend = backend;
    this.#features = features;
    this.#freeOthers = freeOthers;
  }

  /** Whether memory is enough to keep the features of an image, for edits of it; if so it is planned for. */
  async canRecord(loaded: Loaded, recipe: Recipe): Promise<boolean> {
    const picture = await this.#planned(loaded, recipe, { records: true });
    if (buffersFit(loaded.model, picture) !== 'all') return false;
    if (this.#needs(loaded, picture).together > this.#availableTo(loaded)) return false;
    await this.plan(loaded, recipe, { records: true });
    return true;
  }

  /**
   * How the networks are loaded so that memory is enough. Features of other images are dropped for it, and models of
   * earlier calls unloaded.
   * @throws InputError if no plan fits
   */
  async plan(loaded: Loaded, recipe: Recipe, purpose: Purpose = {}): Promise<MemoryPlan> {
    const picture = await this.#planned(loaded, recipe, purpose);
    const needs = this.#needs(loaded, picture);
    const { together } = needs;
    if (together > this.#availableTo(loaded)) await this.#freeOthers();
    const available = this.#availableTo(loaded);
    const held = Math.max(together, loaded.held);
    const plan =
      together <= loaded.held && buffersFit(loaded.model, picture) === 'all'
        ? 'together'
        : planMemory(loaded.model, picture, available, this.#backend.can.precisions);
    // An edit keeps its networks.
    loaded.held = plan === 'together' ? held : purpose.edit ? Math.max(needs[plan], loaded.held) : 0;
    const memory = this.#backend.device === 'cpu' ? 'main' : 'device';
    this.#features.limit(available - (plan === 'together' ? held : needs[plan]), memory);
    return plan;
  }

  #needs({ model }: Loaded, picture: PlannedPicture): MemoryNeeds {
    const known = this.#predicted.get(model) ?? new Map<string, MemoryNeeds>();
    const key = JSON.stringify(picture);
    const needs = known.get(key) ?? predictMemory(model, picture);
    this.#predicted.set(model, known.set(key, needs));
    return needs;
  }

  /** Bytes that are free, or that a call may free. */
  #availableTo({ held }: Loaded): number {
    const { can, device } = this.#backend;
    const features = device === 'cpu' ? this.#features.bytes : this.#features.deviceBytes;
    // A GPU's free memory is not known: all of it is, less what this process holds there.
    return Math.min(can.memoryBytes, this.#backend.availableBytes() + held + features);
  }

  async #planned(
    { components, model, held }: Loaded,
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
      device: plannedDevice(this.#backend),
      stored: await components.storedForms(['denoiser', ...model.textRoles]),
      loaded: held > 0,
      ...purpose,
    };
  }
}
