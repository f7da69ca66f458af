/** The part of VS Code's `Memento` that is needed. */
export interface Storage {
  get(key: string): unknown;
  update(key: string, value: unknown): PromiseLike<void>;
}

/** Values that are remembered under a key, the latest first. */
export class StoredList<Value> {
  readonly #storage: Storage;
  readonly #key: string;
  readonly #most: number;
  readonly #isValue: (value: unknown) => value is Value;

  /**
   * @param most values that are kept
   * @param isValue what is stored may come from another version; values that are none are left out
   */
  constructor(storage: Storage, key: string, most: number, isValue: (value: unknown) => value is Value) {
    this.#storage = storage;
    this.#key = key;
    this.#most = most;
    this.#isValue = isValue;
  }

  get all(): Value[] {
    const stored = this.#storage.get(this.#key);
    return Array.isArray(stored) ? stored.filter(this.#isValue) : [];
  }

  /** Remembers a value in place of those that it replaces. */
  async add(value: Value, isReplaced: (other: Value) => boolean): Promise<void> {
    const others = this.all.filter((other) => !isReplaced(other));
    await this.#storage.update(this.#key, [value, ...others].slice(0, this.#most));
  }

  async remove(isRemoved: (value: Value) => boolean): Promise<void> {
    await this.#storage.update(
      this.#key,
      this.all.filter((value) => !isRemoved(value)),
    );
  }
}
