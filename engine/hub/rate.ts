/** Seconds over which a rate is averaged. */
const WINDOW = 8;

/** How fast a number grows, averaged over the last seconds. */
export class Rate {
  readonly #samples: { time: number; value: number }[] = [];

  /** @param time seconds */
  add(value: number, time: number): void {
    // A smaller number means a restart.
    if (value < (this.#samples.at(-1)?.value ?? 0)) this.#samples.length = 0;
    this.#samples.push({ time, value });
    while (this.#samples.length > 2 && this.#samples[1]!.time <= time - WINDOW) this.#samples.shift();
  }

  /** Per second; undefined while there are too few samples. */
  get perSecond(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.time - first.time < 0.5) return undefined;
    return (last.value - first.value) / (last.time - first.time);
  }
}
