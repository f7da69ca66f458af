import type { Engine } from '../../shared/api.ts';
import type { Count, Trial } from './trial.ts';

/** Peak memory of each trial in bytes, measured in a fresh process of its own. */
export async function isolatedPeaks(
  trials: readonly Trial[],
  startEngine: (() => Engine) | undefined,
  onCount: Count,
  signal?: AbortSignal,
): Promise<number[]> {
  if (!startEngine) throw new Error('This host cannot start a process for each case.');
  const peaks: number[] = [];
  for (const trial of trials) {
    signal?.throwIfAborted();
    onCount(peaks.length, trials.length);
    const engine = startEngine();
    try {
      const request = { ...trial.alone(), repeat: 1, profile: false, isolate: false, layers: undefined };
      const { report } = await engine.benchmark(request, { signal });
      peaks.push(report.rows[0]!.peakBytes);
    } finally {
      await engine.dispose();
    }
  }
  onCount(trials.length, trials.length);
  return peaks;
}
