import { isCounting, type RunState } from '../../shared/jobs.ts';

/** Predicted times of the parts of a run. */
export interface Expected {
  steps: number;
  stepSeconds: number;
  otherSeconds: number;
}

/** How long the parts of a stage take, from those that are done. */
export class StagePace {
  #begun: { stage: string; done: number; at: number } | undefined;

  /** Seconds of a part; undefined before one is done. @param now in seconds */
  partSeconds(stage: string, done: number, now: number): number | undefined {
    if (this.#begun?.stage !== stage) this.#begun = { stage, done, at: now };
    const parts = done - this.#begun.done;
    return parts > 0 ? (now - this.#begun.at) / parts : undefined;
  }
}

/** Predicts the remaining time of a run: at first from earlier runs, then from its own steps. */
export class Remaining {
  readonly #expected: Expected | undefined;
  readonly #pace = new StagePace();

  constructor(expected?: Expected) {
    this.#expected = expected;
  }

  /** Seconds, or undefined if unknown. @param now in seconds */
  after({ stage, step, steps }: Pick<RunState, 'stage' | 'step' | 'steps'>, now: number): number | undefined {
    const expected = this.#expected;
    const other = expected?.otherSeconds ?? 0;
    if (stage === 'decode') return other || undefined;
    if (!isCounting({ stage })) return expected && expected.steps * expected.stepSeconds + other;
    const stepSeconds = this.#pace.partSeconds(stage, step, now) ?? expected?.stepSeconds;
    return stepSeconds === undefined ? undefined : (steps - step) * stepSeconds + other;
  }
}
