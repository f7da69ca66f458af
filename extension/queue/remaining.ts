import { isCounting, type RunState } from '../../shared/jobs.ts';

/** What is known before of the parts of a run. */
export interface Expected {
  steps: number;
  stepSeconds: number;
  otherSeconds: number;
}

/** Tells how long a run still takes: from what was expected at first, from its own steps once there are some. */
export class Remaining {
  readonly #expected: Expected | undefined;
  #begun: { step: number; at: number; stage: string } | undefined;

  constructor(expected?: Expected) {
    this.#expected = expected;
  }

  /** Seconds, or undefined if nothing can be told. @param now in seconds */
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
