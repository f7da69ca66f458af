import { cacheFolder, path, withLock } from '#host';
import { InputError } from '../../engine/errors.ts';
import { unlessAborted } from '../../engine/unless-aborted.ts';

/** Milliseconds that this process keeps its turn on a GPU after its last call. */
const PAUSE = 1000;

/** The processes that take turns with each other. */
export type Place = 'gpu' | 'software';

/**
 * Where a device computes. Interfaces such as WebGPU and CUDA reach the same card, and which one of several each takes is
 * not always known, so all cards of a machine are one place. A GPU made of software takes none of their time.
 */
export function placeOf({ software = false }: { software?: boolean | undefined }): Place {
  return software ? 'software' : 'gpu';
}

/** This process's turn on a GPU, which computes for one process at a time. */
export class Turn {
  readonly #onLog: ((line: string) => void) | undefined;
  /** Told that the turn has to be waited for. */
  readonly #listeners = new Set<() => void>();
  #waits = false;
  #calls = 0;
  #held: Promise<void> | undefined;
  /** Ends the wait for the turn. */
  #waiting = new AbortController();
  #release: (() => void) | undefined;
  /** Resolves when the lock is removed, or was not taken. */
  #lock: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(onLog: ((line: string) => void) | undefined) {
    this.#onLog = onLog;
  }

  get isIdle(): boolean {
    return this.#calls === 0;
  }

  /**
   * Waits for the turn, which all calls of this process share.
   * @param onWait called if another process has it
   * @throws AbortError if this call is cancelled
   */
  async enter(place: Place, signal?: AbortSignal, onWait = () => {}): Promise<void> {
    clearTimeout(this.#timer);
    this.#calls++;
    this.#listeners.add(onWait);
    if (this.#waits) onWait();
    try {
      this.#held ??= this.#take(place);
      await unlessAborted(this.#held, signal);
    } catch (error) {
      this.#calls--;
      // No other call waits for it or has it.
      await this.leave();
      throw error;
    } finally {
      this.#listeners.delete(onWait);
    }
  }

  /** Runs something in this process's turn, which then ends at once. */
  async during<Result>(
    place: Place,
    signal: AbortSignal | undefined,
    run: () => Promise<Result>,
  ): Promise<Result> {
    await this.enter(place, signal);
    try {
      return await run();
    } finally {
      await this.pause();
      await this.leave();
    }
  }

  /** Releases the turn after a moment, unless another call comes. */
  async pause(): Promise<void> {
    this.#calls--;
    if (this.#calls > 0) return;
    this.#timer = setTimeout(() => void this.leave(), PAUSE);
    // Node would wait for it.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  /** Releases the turn, or ends the wait for it, if no call needs it. */
  async leave(): Promise<void> {
    if (this.#calls > 0) return;
    clearTimeout(this.#timer);
    this.#held = undefined;
    this.#waits = false;
    this.#waiting.abort();
    this.#release?.();
    this.#release = undefined;
    // The next one to take it in this process would wait for it.
    await this.#lock;
  }

  #take(place: Place): Promise<void> {
    const file = path.join(cacheFolder(), `device-${place}.lock`);
    const waiting = new AbortController();
    this.#waiting = waiting;
    const onWait = () => {
      if (this.#waits || waiting.signal.aborted) return;
      this.#waits = true;
      this.#onLog?.('The GPU computes for another window; this one waits.');
      for (const listener of this.#listeners) listener();
    };
    const held = new Promise<void>((taken, failed) => {
      const hold = () =>
        new Promise<void>((release) => {
          // It came when no call waited any more.
          if (waiting.signal.aborted) return release();
          this.#release = release;
          taken();
        });
      this.#lock = withLock(file, hold, { onWait, signal: waiting.signal }).catch((error) => {
        // Without a writable cache folder there is no lock; the GPU is used without taking turns.
        if (!(error instanceof InputError)) return failed(error);
        this.#onLog?.(`Other windows may use the GPU at the same time: ${error.message}`);
        taken();
      });
    });
    const ended = () => {
      if (this.#waiting === waiting) this.#waits = false;
    };
    held.then(ended, () => {
      ended();
      if (this.#held === held) this.#held = undefined;
    });
    return held;
  }
}
