import type { AskedRequest } from '../../shared/additions.ts';
import { keptRequest } from '../gallery/storedPicture.ts';
import type { Storage } from '../storedList.ts';

interface StoredRun {
  id: string;
  request: AskedRequest;
}

const KEY = 'patchwork.runs';

/** Runs that are under way or waiting, recorded so that interrupted ones are known after a reload or a crash. */
export class RunLog {
  readonly #storage: Storage;
  #open: StoredRun[] = [];
  #closed = false;
  readonly #listeners = new Set<() => void>();
  #interrupted: StoredRun[];

  /** Runs that were open when the last window of this workspace ended count as interrupted. */
  constructor(storage: Storage) {
    this.#storage = storage;
    const stored = storage.get(KEY);
    this.#interrupted = Array.isArray(stored) ? stored.filter(isRun) : [];
  }

  /** Calls `listener` when `interrupted` has changed; returns a function that ends this. */
  onDidChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get interrupted(): readonly StoredRun[] {
    return this.#interrupted;
  }

  async begin(run: StoredRun): Promise<void> {
    this.#open.push({ ...run, request: keptRequest(run.request) });
    await this.#save();
  }

  async end(id: string): Promise<void> {
    this.#open = this.#open.filter((run) => run.id !== id);
    await this.#save();
  }

  /** Forgets that a run was interrupted; undefined if it was not. */
  async take(id: string): Promise<AskedRequest | undefined> {
    const run = this.#interrupted.find((other) => other.id === id);
    this.#interrupted = this.#interrupted.filter((other) => other !== run);
    for (const listener of this.#listeners) listener();
    await this.#save();
    return run?.request;
  }

  /** The window closes: runs that are open from now on are interrupted. */
  close(): void {
    this.#closed = true;
  }

  async #save(): Promise<void> {
    if (this.#closed) return;
    await this.#storage.update(KEY, [...this.#interrupted, ...this.#open]);
  }
}

function isRun(value: unknown): value is StoredRun {
  const { id, request } = (value ?? {}) as Partial<StoredRun>;
  return typeof id === 'string' && typeof request?.prompt === 'string';
}
