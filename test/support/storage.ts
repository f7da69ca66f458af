/** A storage of VS Code's kind in memory, with copies of what is stored. */
export class MemoryStorage {
  readonly #values = new Map<string, unknown>();

  keys(): string[] {
    return [...this.#values.keys()];
  }

  get(key: string): unknown {
    return this.#values.get(key);
  }

  async update(key: string, value: unknown): Promise<void> {
    this.#values.set(key, structuredClone(value));
  }
}
