import type { Recorded } from './feeds.ts';

/** One pass that is remembered: a picture's process at one step. */
export interface StoreKey {
  /** Names the picture and everything that its features depend on: model, precision, prompt, noise. */
  picture: string;
  /** The timestep as the network takes it. */
  timestep: number;
}

/** What the store holds of one picture. */
export interface StoredPicture {
  picture: string;
  timesteps: number[];
  bytes: number;
}

/** Features of recorded passes, within a budget of memory: what was used longest ago goes first. */
export class FeatureStore {
  readonly budget: number;
  /** In the order of use, the latest last. */
  readonly #entries = new Map<string, { key: StoreKey; recorded: Recorded; bytes: number }>();
  #bytes = 0;
  #limit: number;

  /** `budget` in bytes. */
  constructor(budget: number) {
    this.budget = budget;
    this.#limit = budget;
  }

  /** Keeps no more than so many bytes from now on, nor more than the budget. */
  limit(bytes: number): void {
    this.#limit = Math.max(0, Math.min(bytes, this.budget));
    this.#makeRoom(0);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: StoreKey): Recorded | undefined {
    const id = idOf(key);
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    return entry.recorded;
  }

  /** Keeps a pass; one that is larger than the whole budget is not kept. */
  put(key: StoreKey, recorded: Recorded): void {
    const id = idOf(key);
    this.#remove(id);
    const bytes = bytesOf(recorded);
    if (bytes > this.#limit) return;
    this.#makeRoom(bytes);
    this.#entries.set(id, { key, recorded, bytes });
    this.#bytes += bytes;
  }

  /** What is held, the longest unused picture first. */
  contents(): StoredPicture[] {
    const pictures = new Map<string, StoredPicture>();
    for (const { key, bytes } of this.#entries.values()) {
      const known = pictures.get(key.picture) ?? { picture: key.picture, timesteps: [], bytes: 0 };
      known.timesteps.push(key.timestep);
      known.bytes += bytes;
      pictures.delete(key.picture);
      pictures.set(key.picture, known);
    }
    return [...pictures.values()];
  }

  /** Forgets everything of a picture. */
  drop(picture: string): void {
    for (const [id, { key }] of this.#entries) if (key.picture === picture) this.#remove(id);
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  #makeRoom(bytes: number): void {
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes + bytes <= this.#limit) break;
      this.#remove(oldest);
    }
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    this.#bytes -= entry.bytes;
  }
}

/** Bytes of one pass's features. */
export function bytesOf(recorded: Recorded): number {
  let bytes = 0;
  for (const data of recorded.values()) bytes += data.byteLength;
  return bytes;
}

function idOf({ picture, timestep }: StoreKey): string {
  return `${picture}@${timestep}`;
}
