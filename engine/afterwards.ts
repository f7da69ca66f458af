/** Milliseconds without a call after which work that gave way goes on. */
const IDLE = 1000;

export type Work = (signal: AbortSignal) => Promise<void>;

/** What a call leaves to do when its result has been returned: its caller does not wait for it, but the next call does. */
export class Afterwards {
  readonly #idle: number;
  #work: Promise<void> = Promise.resolve();
  #giveWay = new AbortController();
  /** Work that is not done and may go on after it gave way. */
  #unfinished: { work: Work; mayResume: () => boolean } | undefined;

  constructor(idle = IDLE) {
    this.#idle = idle;
  }

  /**
   * @param work may end early when its signal aborts: the next call is there. Its errors are not reported.
   * @param mayResume asked when no call is there any more: whether work that ended early is begun again
   */
  leave(work: Work, mayResume?: () => boolean): void {
    this.#unfinished = mayResume && { work, mayResume };
    const signal = this.#next();
    this.#work = this.#run(work, signal, elapsed(0));
  }

  /** Goes on with what gave way for a call, after a moment, unless the call has left something itself. */
  resume(): void {
    const unfinished = this.#unfinished;
    if (!unfinished || !this.#giveWay.signal.aborted) return;
    const { work, mayResume } = unfinished;
    const signal = this.#next();
    const again: Work = async () => {
      if (!signal.aborted && mayResume()) await work(signal);
    };
    this.#work = this.#run(again, signal, elapsed(this.#idle, signal));
  }

  /** Resolves once it is done, or has given way. */
  async settle(): Promise<void> {
    this.#giveWay.abort();
    await this.#work;
  }

  #next(): AbortSignal {
    this.#giveWay = new AbortController();
    return this.#giveWay.signal;
  }

  async #run(work: Work, signal: AbortSignal, moment: Promise<void>): Promise<void> {
    await moment;
    await work(signal).catch(() => {});
    if (!signal.aborted) this.#unfinished = undefined;
  }
}

/** Resolves after some milliseconds, or when the signal aborts. */
function elapsed(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
