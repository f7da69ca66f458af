import type { ReadResource } from './resource-store.ts';

/** Reads files before they are asked for. */
export class ReadAhead {
  readonly #read: ReadResource;
  readonly #begun = new Map<string, ReturnType<ReadResource>>();

  constructor(read: ReadResource) {
    this.#read = read;
  }

  begin(places: readonly string[]): void {
    for (const place of places) {
      if (this.#begun.has(place)) continue;
      const reading = this.#read(place);
      this.#begun.set(place, reading);
      // Whoever asks for it meets the error.
      reading.catch(() => {});
    }
  }

  /** Each file that was read ahead is handed out once, and not kept. */
  readonly read: ReadResource = (place) => {
    const begun = this.#begun.get(place);
    this.#begun.delete(place);
    return begun ?? this.#read(place);
  };
}
