import { isAbort } from '../engine/errors.ts';
import type { EditRequest } from '../shared/api.ts';
import { messageOf } from '../shared/errorMessage.ts';
import { randomSeed } from '../shared/seed.ts';
import { DraftTimes } from './draftTimes.ts';

/** Quick results of a form while it is changed, each in place of the one before. */
export abstract class Drafts {
  protected readonly times: DraftTimes;
  /** Seed of a form without one: that of its drafts, and of what is made next. */
  #seed: number | undefined;
  #current: AbortController | undefined;

  /** @param times see `DraftTimes` */
  protected constructor(...times: ConstructorParameters<typeof DraftTimes>) {
    this.times = new DraftTimes(...times);
  }

  /** Shows no draft, and why. */
  protected abstract hide(hindrance?: string): void;

  /** Stops the draft in progress. The one that is shown stays until the next. */
  stop(): void {
    this.#current?.abort();
    this.#current = undefined;
  }

  /** Stops and hides drafts. */
  clear(): void {
    this.stop();
    this.hide();
  }

  /** Allows drafts that took too long to be tried again. */
  forgetTimes(): void {
    this.times.forget();
  }

  /** The seed of drafts of a form without one. */
  protected draftSeed(): number {
    this.#seed ??= randomSeed();
    return this.#seed;
  }

  /** The same for what is made next; undefined if there was no draft. Later drafts have another one. */
  protected takeSeed(): number | undefined {
    const seed = this.#seed;
    this.#seed = undefined;
    return seed;
  }

  /** Makes a draft in place of the one before. Never throws. */
  protected async replace(make: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.stop();
    const current = new AbortController();
    this.#current = current;
    const { signal } = current;
    try {
      await make(signal);
    } catch (error) {
      // It is reported when more than a draft is asked for.
      if (!signal.aborted && !isAbort(error)) this.hide(`No draft: ${messageOf(error)}`);
    }
  }
}

/** A draft's request: without workers, which take longer to start than it takes. */
export function alone<Request extends Pick<EditRequest, 'workers' | 'bus'>>({
  workers: _workers,
  bus: _bus,
  ...others
}: Request): Omit<Request, 'workers' | 'bus'> {
  return others;
}
