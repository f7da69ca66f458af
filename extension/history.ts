/** The last prompts, newest first. */
import type { Memento } from 'vscode';

const KEY = 'patchwork.prompts';
const KEPT = 30;

export class PromptHistory {
  readonly #memento: Memento;

  constructor(memento: Memento) {
    this.#memento = memento;
  }

  get prompts(): string[] {
    const stored = this.#memento.get<unknown>(KEY);
    return Array.isArray(stored) ? stored.filter((prompt) => typeof prompt === 'string') : [];
  }

  async add(prompt: string): Promise<void> {
    await this.#memento.update(KEY, [prompt, ...this.#without(prompt)].slice(0, KEPT));
  }

  async remove(prompt: string): Promise<void> {
    await this.#memento.update(KEY, this.#without(prompt));
  }

  #without(prompt: string): string[] {
    return this.prompts.filter((other) => other !== prompt);
  }
}
