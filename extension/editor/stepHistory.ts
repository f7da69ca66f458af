/** The steps of a document that are done and those that were undone, and which of them the saved file has. */
export class StepHistory<Step> {
  readonly #done: Step[] = [];
  /** The next to be done again last. */
  readonly #undone: Step[] = [];
  /** How many steps were done at the last save; undefined once that state is out of reach. */
  #savedAt: number | undefined = 0;

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  /** The steps since the last save, the first first; none if undoing cannot lead back to the saved state. */
  get unsaved(): Step[] {
    return this.#savedAt === undefined ? [] : this.#done.slice(this.#savedAt);
  }

  /** Adds a step, in place of those that were undone. */
  add(step: Step): void {
    if (this.#savedAt !== undefined && this.#savedAt > this.#done.length) this.#savedAt = undefined;
    this.#undone.length = 0;
    this.#done.push(step);
  }

  undo(step: Step): void {
    move(step, this.#done, this.#undone);
  }

  redo(step: Step): void {
    move(step, this.#undone, this.#done);
  }

  saved(): void {
    this.#savedAt = this.#done.length;
  }

  /** Forgets all steps: the document is the saved file. */
  clear(): void {
    this.#done.length = 0;
    this.#undone.length = 0;
    this.#savedAt = 0;
  }
}

function move<Step>(step: Step, from: Step[], to: Step[]): void {
  to.push(...from.splice(from.lastIndexOf(step), 1));
}
