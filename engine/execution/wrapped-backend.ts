import type { Network } from '../graph/network.ts';
import type { Weights } from '../weights/weight-table.ts';
import type { Backend, CompileOptions, Program, PublishedModel } from './backend.ts';
import type { Form } from './forms/form.ts';

/** A backend whose programs another one loads. What is done with them is up to `loaded`. */
export abstract class WrappedBackend implements Backend {
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** @param load a network, with options of its caller and `more` */
  protected abstract loaded(load: (more?: CompileOptions) => Promise<Program>): Promise<Program>;

  compile(network: Network, weights: Weights, form: Form, options?: CompileOptions): Promise<Program> {
    return this.loaded((more) => this.#backend.compile(network, weights, form, { ...options, ...more }));
  }

  open(model: PublishedModel, options?: CompileOptions): Promise<Program> {
    return this.loaded((more) => this.#backend.open(model, { ...options, ...more }));
  }

  get device() {
    return this.#backend.device;
  }

  get can() {
    return this.#backend.can;
  }

  get threads() {
    return this.#backend.threads;
  }

  get machine() {
    return this.#backend.machine;
  }

  availableBytes() {
    return this.#backend.availableBytes();
  }

  peakBytes() {
    return this.#backend.peakBytes();
  }

  largestInt8() {
    return this.#backend.largestInt8();
  }

  formSpeed() {
    return this.#backend.formSpeed();
  }
}
