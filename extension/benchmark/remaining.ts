import type { BenchmarkProgress } from '../../shared/api.ts';
import { type StageSeconds, totalSeconds } from './duration.ts';

/** In their order. */
const STAGES = ['weights', 'prepare', 'measure', 'compare', 'layers', 'profile', 'isolate'] as const;

/** A stage that takes longer than predicted is taken to need this share of the prediction still. */
const OVERDUE = 0.1;

/** Predicts the remaining time of a benchmark: from what was expected, corrected by how long its parts have taken. */
export class BenchmarkRemaining {
  readonly #expected: Readonly<Record<string, number>>;
  /** How many times as long as expected the last stage with a finished part took. */
  #slowness = 1;
  #stage: { name: BenchmarkProgress['stage']; at: number } | undefined;

  /** @param took the seconds of the same run on another occasion, which correct the prediction */
  constructor(expected: StageSeconds, took?: number) {
    this.#expected = { ...expected };
    const total = totalSeconds(expected);
    if (took !== undefined && total > 0) this.#slowness = took / total;
  }

  /** Seconds; undefined if nothing is expected to come. @param now in seconds */
  after({ stage, done, total }: BenchmarkProgress, now: number): number | undefined {
    if (this.#stage?.name !== stage) this.#stage = { name: stage, at: now };
    const elapsed = now - this.#stage.at;
    const expected = this.#expected[stage] ?? 0;
    const share = total > 0 ? done / total : 0;
    const began = share > 0 && elapsed > 0;
    if (began && expected > 0) this.#slowness = elapsed / (expected * share);
    const later = STAGES.slice(STAGES.indexOf(stage) + 1);
    const rest = later.reduce((sum, name) => sum + (this.#expected[name] ?? 0), 0) * this.#slowness;
    const predicted = expected * this.#slowness;
    const byPace = began && expected === 0;
    const own = byPace ? (elapsed * (1 - share)) / share : Math.max(predicted - elapsed, OVERDUE * predicted);
    return (share < 1 ? own : 0) + rest || undefined;
  }
}
