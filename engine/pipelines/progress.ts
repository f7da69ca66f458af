import type { EditProgress, GenerateProgress } from '../../shared/api.ts';

/** Says how far a call is that computes denoising steps, and times them. */
export class Progress<Said extends GenerateProgress | EditProgress> {
  /** Seconds of each step that is done. */
  readonly stepSeconds: number[] = [];
  readonly #say: ((progress: Said) => void) | undefined;
  readonly #steps: number;
  #stepBegin = performance.now();

  /** @param steps all that will be computed */
  constructor(say: ((progress: Said) => void) | undefined, steps: number) {
    this.#say = say;
    this.#steps = steps;
  }

  /** A stage begins, or is at a step of those that will be computed. */
  stage(stage: Said['stage'], step = 0): void {
    this.#tell({ stage, step, steps: this.#steps });
  }

  /** A stage that counts steps of its own. */
  readonly own = (stage: Said['stage'], step: number, steps: number): void =>
    this.#tell({ stage, step, steps });

  /** The first denoising step begins. */
  begin(): void {
    this.#stepBegin = performance.now();
  }

  /** A denoising step is done. The time that its preview takes does not count. */
  async stepped(done: number, preview: () => Promise<Said['preview']>): Promise<void> {
    this.stepSeconds.push((performance.now() - this.#stepBegin) / 1000);
    const seen = done < this.#steps ? await preview() : undefined;
    this.#tell({ stage: 'denoise', step: done, steps: this.#steps, ...(seen && { preview: seen }) });
    this.#stepBegin = performance.now();
  }

  #tell(progress: GenerateProgress | EditProgress): void {
    this.#say?.(progress as Said);
  }
}
