/** The last prompts, newest first. */
import { type Storage, StoredList } from './storedList.ts';

const KEY = 'patchwork.prompts';
const KEPT = 30;

export class PromptHistory {
  readonly #list: StoredList<string>;

  constructor(storage: Storage) {
    this.#list = new StoredList(storage, KEY, KEPT, (value) => typeof value === 'string');
  }

  get prompts(): string[] {
    return this.#list.all;
  }

  async add(prompt: string): Promise<void> {
    await this.#list.add(prompt, (other) => other === prompt);
  }

  async remove(prompt: string): Promise<void> {
    await this.#list.remove((other) => other === prompt);
  }
}
