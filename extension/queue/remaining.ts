import { isCounting, isPreparing, isWaiting, type RunState } from '../../shared/jobs.ts';

/** Predicted times of the parts of a run. */
export interface Expected {
  steps: number;
  stepSeconds: number;
  otherSeconds: number;
  /** Of loading the model, if it has to be loaded. */
  loadSeconds?: number;
}

/** Whether a run has to load its model first. */
export type Loads = boolean | 'unknown';

/** How long the parts of a stage take, from those that are done. */
class StagePace {
  #begun: { stage: string; done: number; at: number } | undefined;

  /**
   * Seconds of a part; undefined before anything is known.
   * @param now in seconds
   * @param earlier seconds of a part in earlier runs, and as how many parts they count
   */
  partSeconds(
    stage: string,
    done: number,
    now: number,
    [earlier, weight]: readonly [number, number] = [0, 0],
  ): number | undefined {
    if (this.#begun?.stage !== stage) this.#begun = { stage, done, at: now };
    const own = done - this.#begun.done;
    // The time of a part that is not finished yet says nothing.
    const seconds = earlier * weight + (own > 0 ? now - this.#begun.at : 0);
    return own + weight > 0 ? seconds / (own + weight) : undefined;
  }
}

/** Earlier runs count as this many steps beside a run's own: its first ones may be slow, or fast, by chance. */
const EARLIER = 2;

/** Predicts the remaining time of a run: at first from earlier runs, then more and more from its own steps. */
export class Remaining {
  readonly #expected: Expected | undefined;
  readonly #pace = new StagePace();

  constructor(expected?: Expected) {
    this.#expected = expected;
  }

  /** Seconds, or undefined if unknown. @param now in seconds */
  after(
    { stage, step, steps }: Pick<RunState, 'stage' | 'step' | 'steps'>,
    now: number,
    loads: Loads = false,
  ): number | undefined {
    const expected = this.#expected;
    const other = expected?.otherSeconds ?? 0;
    if (stage === 'decode') return other || undefined;
    if (isPreparing({ stage })) return undefined;
    if (!isCounting({ stage })) {
      const isBefore = isWaiting({ stage }) || stage === 'load';
      const loadSeconds = loads === 'unknown' ? undefined : expected?.loadSeconds;
      const load = isBefore && loads ? loadSeconds : 0;
      if (!expected || load === undefined) return undefined;
      return load + expected.steps * expected.stepSeconds + other;
    }
    // Recording is no step of the image: those are still to come.
    const isRecording = stage === 'record';
    const earlier = expected && !isRecording ? ([expected.stepSeconds, EARLIER] as const) : undefined;
    const stepSeconds = this.#pace.partSeconds(stage, step, now, earlier);
    if (stepSeconds === undefined) return undefined;
    const later = expected && isRecording ? expected.steps * expected.stepSeconds : 0;
    return (steps - step) * stepSeconds + later + other;
  }

  /** Seconds of a stage that prepares the model, from its own steps; undefined in others, and before one is done. */
  ofStage(
    { stage, step, steps }: Pick<RunState, 'stage' | 'step' | 'steps'>,
    now: number,
  ): number | undefined {
    if (!isPreparing({ stage })) return undefined;
    const stepSeconds = this.#pace.partSeconds(stage, step, now);
    return stepSeconds === undefined ? undefined : (steps - step) * stepSeconds;
  }
}
