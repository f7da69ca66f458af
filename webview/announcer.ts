import { describeRun } from '../shared/format.ts';
import type { RunState } from '../shared/jobs.ts';

/** Speaks to screen readers through a live region, but not at every step. */
export class Announcer {
  readonly #region: HTMLElement;
  #spoken = '';

  constructor() {
    this.#region = document.createElement('div');
    this.#region.className = 'visually-hidden';
    this.#region.setAttribute('role', 'status');
    document.body.append(this.#region);
  }

  announce(text: string): void {
    if (text === this.#spoken) return;
    this.#spoken = text;
    this.#region.textContent = text;
  }

  /** Each stage once, and each quarter of the steps. */
  announceRun(run: RunState | undefined): void {
    if (!run) return;
    const quarter = Math.max(1, Math.ceil(run.steps / 4));
    if (run.stage === 'denoise' && run.step % quarter !== 0) return;
    this.announce(describeRun(run));
  }
}
