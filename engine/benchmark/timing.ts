/** Something measured: prepared once, run many times. */
export interface Timed {
  run(): Promise<void>;
}

export interface Timing {
  medianSeconds: number;
  minSeconds: number;
  maxSeconds: number;
}

/**
 * Times several things side by side: one warm-up run each, then rounds in which each of them runs once, so that
 * a change in the machine's speed meets them all.
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
      await item.run();
      const warmUp = round === 0;
      if (!warmUp) seconds[i]!.push((performance.now() - start) / 1000);
    }
    options.onRound?.(round);
  }
  return seconds.map(summary);
}

function summary(seconds: number[]): Timing {
  const sorted = [...seconds].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return {
    medianSeconds: (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2,
    minSeconds: sorted[0]!,
    maxSeconds: sorted.at(-1)!,
  };
}
