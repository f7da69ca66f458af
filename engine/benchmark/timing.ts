import type { Timing } from '../../shared/benchmark/report.ts';

/** A benchmark subject: prepared once, run many times. */
export interface Timed {
  /** Round 0 is the warm-up. */
  run(round: number): Promise<void>;
  /** Waits for background work of a run after its result; not timed. */
  settle?(): Promise<void>;
}

/**
 * Times several subjects interleaved: one warm-up run each, then rounds in which each runs once, so that changes of the
 * machine's speed affect all of them.
 */
export async function interleave(
  items: readonly Timed[],
  repeat: number,
  options: { signal?: AbortSignal; onRound?: (round: number) => void } = {},
): Promise<Timing[]> {
  const seconds: number[][] = items.map(() => []);
  for (let round = 0; round <= repeat; round++) {
    for (const [i, item] of items.entries()) {
      options.signal?.throwIfAborted();
      const start = performance.now();
      await item.run(round);
      seconds[i]!.push((performance.now() - start) / 1000);
      await item.settle?.();
    }
    options.onRound?.(round);
  }
  return seconds.map(([warmUpSeconds, ...timed]) => ({
    warmUpSeconds: warmUpSeconds!,
    seconds: timed,
    medianSeconds: median(timed),
    minSeconds: Math.min(...timed),
    maxSeconds: Math.max(...timed),
  }));
}

/** The middle one of some values, at least one; of an even number the mean of both in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}
