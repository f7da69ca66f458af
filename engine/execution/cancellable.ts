import type { Network } from '../graph/network.ts';
import type { Weights } from '../weights/weight-table.ts';
import type { Backend, CompileOptions, Program, PublishedModel } from './backend.ts';
import { listen } from './denoise.ts';
import type { Form } from './forms/form.ts';

/**
 * A backend on which a cancelled call computes nothing more: before a network is loaded or run, pending messages are
 * handled, and the call ends if it was cancelled by then. One call at a time.
 */
export class CancellableBackend implements Backend {
  readonly #backend: Backend;
  #signal: AbortSignal | undefined;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Runs a call that `signal` cancels. */
  async during<Result>(signal: AbortSignal | undefined, call: () => Promise<Result>): Promise<Result> {
    this.#signal = signal;
    try {
      return await call();
    } finally {
      if (this.#signal === signal) this.#signal = undefined;
    }
  }

  compile(network: Network, weights: Weights, form: Form, options?: CompileOptions): Promise<Program> {
    return this.#loaded(() => this.#backend.compile(network, weights, form, options));
  }

  open(model: PublishedModel, options?: CompileOptions): Promise<Program> {
    return this.#loaded(() => this.#backend.open(model, options));
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

  async #loaded(load: () => Promise<Program>): Promise<Program> {
    await listen(this.#signal);
    const program = await load();
    return {
      ...(program.profile && { profile: () => program.profile!() }),
      run: async (inputs, outputs) => {
        await listen(this.#signal);
        return program.run(inputs, outputs);
      },
      runKept: async (inputs, outputs) => {
        await listen(this.#signal);
        return program.runKept(inputs, outputs);
      },
      release: () => program.release(),
    };
  }
}
