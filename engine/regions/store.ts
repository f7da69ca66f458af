/** Features of a pass for later ones, opaque to all but the denoiser that made them. */
export interface Features {
  /** The pieces of memory that hold them. Features of a picture and of its edited version share some. */
  pieces(): readonly Piece[];
}

export interface Piece {
  readonly byteLength: number;
  /** Whether that is memory of a device. */
  readonly onDevice?: boolean;
  /** Frees memory of a device, which no garbage collector sees. */
  release?(): void;
  /** Whether it was freed, by that or with the network that computed it. */
  readonly released?: boolean;
}

/** A remembered pass: one denoising step of an image. */
interface StoreKey {
  /** Identifies the image and everything that its features depend on: model, precision, prompt, noise. */
  picture: string;
  /** The timestep as the network takes it. */
  timestep: number;
  /** What they depend on beside that, where a step is not computed in full; see `Steps.wayAt`. */
  way?: string | undefined;
}

/** What the store holds for one image. */
interface StoredPicture {
  picture: string;
  timesteps: number[];
  bytes: number;
  /** How many of these are on a device. */
  deviceBytes: number;
}

/**
 * Features of recorded passes, within a memory budget, which main memory and a device's have each for itself. Evicts the
 * least recently used pass.
 */
export class FeatureStore {
  readonly budget: number;
  /** Least recently used first. */
  readonly #entries = new Map<string, { key: StoreKey; features: Features }>();
  /** Number of entries that hold an array; its bytes count once. */
  readonly #holders = new Map<Piece, number>();
  /** Pieces that are no longer in use, until `sweep`. */
  readonly #dropped = new Set<Piece>();
  /** What is stored, and what may be, in each memory. */
  readonly #bytes = { main: 0, device: 0 };
  readonly #limits: { main: number; device: number };

  /** `budget` in bytes. */
  constructor(budget: number) {
    this.budget = budget;
    this.#limits = { main: budget, device: budget };
  }

  /** Limits what is stored in a memory to `bytes`, and never above the budget. */
  limit(bytes: number, memory: Memory = 'main'): void {
    this.#limits[memory] = Math.max(0, Math.min(bytes, this.budget));
    this.#evict();
  }

  /** In main memory and on a device. */
  get bytes(): number {
    return this.#bytes.main + this.#bytes.device;
  }

  get deviceBytes(): number {
    return this.#bytes.device;
  }

  /** Whether it is kept; does not count as use. */
  has(key: StoreKey): boolean {
    const id = idOf(key);
    this.#removeFreed(id);
    return this.#entries.has(id);
  }

  get(key: StoreKey): Features | undefined {
    const id = idOf(key);
    this.#removeFreed(id);
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    return entry.features;
  }

  /**
   * Stores a pass, unless it alone is above the limit. What this drops is freed with the next pass that is stored: the run
   * that has computed this one may still read it.
   */
  put(key: StoreKey, features: Features): void {
    this.sweep();
    const id = idOf(key);
    this.#remove(id);
    const bytes = { main: 0, device: 0 };
    for (const piece of features.pieces()) bytes[memoryOf(piece)] += piece.byteLength;
    if (MEMORIES.some((memory) => bytes[memory] > this.#limits[memory])) return;
    this.#entries.set(id, { key, features });
    for (const array of features.pieces()) {
      const holders = this.#holders.get(array) ?? 0;
      this.#holders.set(array, holders + 1);
      this.#dropped.delete(array);
      if (holders === 0) this.#bytes[memoryOf(array)] += array.byteLength;
    }
    this.#evict();
  }

  /** The stored images, least recently used first. Arrays that images share count for the first of them. */
  contents(): StoredPicture[] {
    const pictures = new Map<string, StoredPicture>();
    const counted = new Set<Piece>();
    for (const { key, features } of this.#entries.values()) {
      const known = pictures.get(key.picture) ?? {
        picture: key.picture,
        timesteps: [],
        bytes: 0,
        deviceBytes: 0,
      };
      known.timesteps.push(key.timestep);
      for (const array of features.pieces()) {
        if (counted.has(array)) continue;
        counted.add(array);
        known.bytes += array.byteLength;
        if (memoryOf(array) === 'device') known.deviceBytes += array.byteLength;
      }
      pictures.delete(key.picture);
      pictures.set(key.picture, known);
    }
    return [...pictures.values()];
  }

  /** Removes all passes of an image. */
  drop(picture: string): void {
    for (const [id, { key }] of this.#entries) if (key.picture === picture) this.#remove(id);
  }

  clear(): void {
    for (const id of [...this.#entries.keys()]) this.#remove(id);
  }

  /** Frees what was dropped. Only where no run reads it any more. */
  sweep(): void {
    for (const piece of this.#dropped) piece.release?.();
    this.#dropped.clear();
  }

  /** What a device held for a network that was unloaded is lost. */
  #removeFreed(id: string): void {
    const pieces = this.#entries.get(id)?.features.pieces() ?? [];
    if (pieces.some(({ released }) => released)) this.#remove(id);
  }

  #evict(): void {
    for (const [oldest, { features }] of this.#entries) {
      const above = MEMORIES.filter((memory) => this.#bytes[memory] > this.#limits[memory]);
      if (above.length === 0) break;
      if (features.pieces().some((piece) => above.includes(memoryOf(piece)))) this.#remove(oldest);
    }
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    for (const array of entry.features.pieces()) {
      const others = this.#holders.get(array)! - 1;
      if (others > 0) this.#holders.set(array, others);
      else {
        this.#holders.delete(array);
        if (array.release) this.#dropped.add(array);
        this.#bytes[memoryOf(array)] -= array.byteLength;
      }
    }
  }
}

const MEMORIES = ['main', 'device'] as const;
type Memory = (typeof MEMORIES)[number];

function memoryOf({ onDevice }: Piece): Memory {
  return onDevice ? 'device' : 'main';
}

/** Bytes of one pass's features. */
export function bytesOf(features: Features): number {
  return features.pieces().reduce((bytes, { byteLength }) => bytes + byteLength, 0);
}

function idOf({ picture, timestep, way = '' }: StoreKey): string {
  return `${picture}@${timestep} ${way}`.trim();
}
