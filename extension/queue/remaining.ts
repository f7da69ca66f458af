import { isCounting, type RunState } from '../../shared/jobs.ts';

/** Predicted times of the parts of a run. */
export interface Expected {
  steps: number;
  stepSeconds: number;
  otherSeconds: number;
}

/** Predicts the remaining time of a run: at first from earlier runs, then from its own steps. */
export class Remaining {
  readonly #expected: Expected | undefined;
  #begun: { step: number; at: number; stage: string } | undefined;

  constructor(expected?: Expected) {
    this.#expected = expected;
  }

  /** Seconds, or undefined if unknown. @param now in seconds */
  after({ stage, step, steps }: Pick<RunState, 'stage' | 'step' | 'steps'>, now: number): number | undefined {
    const expected = this.#expected;
    const other = expected?.otherSeconds ?? 0;
    if (stage === 'decode') return other || undefined;
    if (!isCounting({ stage })) return expected && expected.steps * expected.stepSeconds + other;
    if (this.#begun?.stage !== stage) this.#begun = { stage, step, at: now };
    const done = step - this.#begun.step;
    const stepSeconds = done > 0 ? (now - this.#begun.at) / done : expected?.stepSeconds;
    return stepSeconds === undefined ? undefined : (steps - step) * stepSeconds + other;
  }
}
