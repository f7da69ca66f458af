/** What a call leaves to do when its result has been returned: its caller does not wait for it, but the next call does. */
export class Afterwards {
  #work: Promise<void> = Promise.resolve();
  #giveWay = new AbortController();

  /** @param work may end early when its signal aborts: the next call is there. Its errors are not reported. */
  leave(work: (signal: AbortSignal) => Promise<void>): void {
    this.#giveWay = new AbortController();
    const { signal } = this.#giveWay;
    this.#work = new Promise((resolve) => setTimeout(resolve)).then(() => work(signal)).catch(() => {});
  }

  /** Resolves once it is done, or has given way. */
  async settle(): Promise<void> {
    this.#giveWay.abort();
    await this.#work;
  }
}
