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

/** Frees memory that a call does not need. */
interface Others {
  /** Unloads the models of earlier calls. */
  unload(): Promise<void>;
  /** Ends the workers, one of which computes on the device of this process. */
  dismissWorkers(): Promise<void>;
}

/** Divides the memory of a backend between a model's networks and the features of earlier images. */
export class MemoryBudget {
  readonly #backend: Backend;
  readonly #features: FeatureStore;
  readonly #others: Others;
  /** Bytes that a worker process may hold on the device of this one. */
  #workers = 0;
  /** Predictions by what they are for: each walks all networks. */
  readonly #predicted = new WeakMap<DiffusionModel, Map<string, MemoryNeeds>>();

  constructor(backend: Backend, features: FeatureStore, others: Others) {
    this.#backend = backend;
    this.#features = features;
    this.#others = others;
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
   * How the networks are loaded so that memory is enough. Features of other images are dropped for it, models of earlier
   * calls unloaded, and workers ended.
   * @throws InputError if no plan fits
   */
  async plan(loaded: Loaded, recipe: Recipe, purpose: Purpose = {}): Promise<MemoryPlan> {
    const picture = await this.#planned(loaded, recipe, purpose);
    const needs = this.#needs(loaded, picture);
    const { together } = needs;
    if (together > this.#availableTo(loaded) - this.#workers) await this.#freeOthers();
    const available = this.#availableTo(loaded) - this.#workers;
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

  /**
   * The same for an image whose denoiser a worker runs, in its own process on the device of this one. If both do not fit
   * there, this process frees its own denoiser and the features that it has recorded there.
   */
  async planShared(loaded: Loaded, recipe: Recipe, purpose: Purpose = {}): Promise<MemoryPlan> {
    const picture = await this.#planned(loaded, recipe, { ...purpose, shared: true });
    const needs = this.#needs(loaded, picture);
    const { denoiser } = needs;
    const own = (plan: MemoryPlan) => Math.max(loaded.held, needs[plan] - denoiser);
    const available = this.#availableTo(loaded);
    if (own('together') + denoiser + this.#features.deviceBytes > available) {
      await this.#others.unload();
      this.#features.limit(0, 'device');
      this.#features.sweep();
      await loaded.components.free('denoiser');
      loaded.held = 0;
    }
    const plan = planMemory(loaded.model, picture, available, this.#backend.can.precisions);
    loaded.held = plan === 'together' || purpose.edit ? own(plan) : 0;
    this.#workers = Math.max(this.#workers, denoiser);
    return plan;
  }

  async #freeOthers(): Promise<void> {
    await this.#others.unload();
    if (this.#workers > 0) await this.#others.dismissWorkers();
    this.#workers = 0;
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
    return Math.min(can.memoryBytes, this.#backend.availableBytes() + held + features + this.#workers);
  }

  async #planned(
    { components, model, held }: Loaded,
    { width, height, guidance, precision, attention }: Recipe,
    purpose: Purpose & Pick<PlannedPicture, 'shared'>,
  ): Promise<PlannedPicture> {
    const guided = isGuided(components.network('denoiser'), guidance);
    const side = (pixels: number) => Math.min(pixels, model.sizes.max);
    return {
      width: side(width),
      height: side(height),
      batch: guided ? 2 : 1,
      precision,
      rows:
        purpose.shared ||
        !isFloat(precision) ||
        attention === 'sampled' ||
        (await components.forms.rowsAreFaster()),
      // Workers return features to main memory.
      device: plannedDevice(this.#backend, !purpose.shared),
      stored: await components.storedForms(['denoiser', ...model.textRoles]),
      loaded: held > 0,
      ...purpose,
    };
  }
}
