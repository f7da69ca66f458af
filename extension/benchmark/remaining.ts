import type { BenchmarkProgress } from '../../shared/api.ts';
import { type StageSeconds, totalSeconds } from './duration.ts';

/** In their order. */
const STAGES = ['weights', 'prepare', 'measure', 'compare', 'layers', 'profile', 'isolate'] as const;

/** A stage that takes longer than predicted is taken to need this share of the prediction still. */
const OVERDUE = 0.1;

/** After this share of the whole run its own pace counts alone; what less of it took says less about the rest. */
const TELLING = 1 / 7;

/** Predicts the remaining time of a benchmark: from what was expected, corrected by how long its parts have taken. */
export class BenchmarkRemaining {
  readonly #expected: Readonly<Record<string, number>>;
  readonly #total: number;
  /** How many times as long as expected a run takes, as far as is known before it. */
  readonly #usual: number = 1;
  /** The same by the last stage with a finished part. */
  #slowness: number;
  #stage: { name: BenchmarkProgress['stage']; at: number } | undefined;

  /** @param took the seconds of the same run on another occasion, which correct the prediction */
  constructor(expected: StageSeconds, took?: number) {
    this.#expected = { ...expected };
    this.#total = totalSeconds(expected);
    if (took !== undefined && this.#total > 0) this.#usual = took / this.#total;
    this.#slowness = this.#usual;
  }

  /** Seconds; undefined if nothing is expected to come. @param now in seconds */
  after({ stage, done, total }: BenchmarkProgress, now: number): number | undefined {
    if (this.#stage?.name !== stage) this.#stage = { name: stage, at: now };
    const elapsed = now - this.#stage.at;
    const expected = this.#expected[stage] ?? 0;
    const share = total > 0 ? done / total : 0;
    const began = share > 0 && elapsed > 0;
    if (began && expected > 0) {
      const weight = Math.min(1, (expected * share) / (TELLING * this.#total));
      this.#slowness = weight * (elapsed / (expected * share)) + (1 - weight) * this.#usual;
    }
    const later = STAGES.slice(STAGES.indexOf(stage) + 1);
    const rest = later.reduce((sum, name) => sum + (this.#expected[name] ?? 0), 0) * this.#slowness;
    const predicted = expected * this.#slowness;
    const byPace = began && expected === 0;
    const own = byPace ? (elapsed * (1 - share)) / share : Math.max(predicted - elapsed, OVERDUE * predicted);
    return (share < 1 ? own : 0) + rest || undefined;
  }
}
