import { formatDuration } from '../shared/units.ts';

/** How many of the last drafts decide how long one takes: the quickest of them, which was disturbed least. */
const TIMED = 3;

/** How long drafts took, and so whether the next one comes in time. */
export class DraftTimes {
  readonly #late: number;
  readonly #hopeless: number;
  /** Seconds of the last drafts, by the key of what their time depends on. */
  readonly #taken = new Map<string, number[]>();

  /**
   * @param late seconds after which a draft comes too late to be of use
   * @param hopeless seconds, expected or of fewer drafts, from which one is not even tried: the machine may have been busy
   */
  constructor(late: number, hopeless: number) {
    this.#late = late;
    this.#hopeless = hopeless;
  }

  /** Why a draft is not made, as a sentence. @param expect about how many seconds it takes, if that is known */
  async hindranceOf(key: string, expect: () => Promise<number | undefined>): Promise<string | undefined> {
    const taken = this.#taken.get(key) ?? [];
    const isKnown = taken.length === TIMED;
    const seconds = taken.length > 0 ? Math.min(...taken) : await expect();
    if (seconds === undefined || seconds <= (isKnown ? this.#late : this.#hopeless)) return undefined;
    return `No draft: with these settings one takes about ${formatDuration(seconds)}.`;
  }

  note(key: string, seconds: number): void {
    this.#taken.set(key, [seconds, ...(this.#taken.get(key) ?? [])].slice(0, TIMED));
  }

  /** Allows drafts that took too long to be tried again. */
  forget(): void {
    this.#taken.clear();
  }
}
