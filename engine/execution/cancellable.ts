import type { Program } from './backend.ts';
import { listen } from './denoise.ts';
import { WrappedBackend } from './wrapped-backend.ts';

/**
 * A backend on which a cancelled call computes nothing more: before a network is loaded or run, pending messages are
 * handled, and the call ends if it was cancelled by then. One call at a time.
 */
export class CancellableBackend extends WrappedBackend {
  #signal: AbortSignal | undefined;

  /** Runs a call that `signal` cancels. */
  async during<Result>(signal: AbortSignal | undefined, call: () => Promise<Result>): Promise<Result> {
    this.#signal = signal;
    try {
      return await call();
    } finally {
      if (this.#signal === signal) this.#signal = undefined;
    }
  }

  protected async loaded(load: () => Promise<Program>): Promise<Program> {
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
