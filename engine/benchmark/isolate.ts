import type { Runtime } from '../runtime/runtime.ts';
import type { Count } from './benchmark.ts';
import type { Trial } from './trial.ts';

/** The most memory, in bytes, that each trial takes when it runs alone in a fresh process. */
export async function isolatedPeaks(
  trials: readonly Trial[],
  runtime: Runtime,
  onCount: Count,
  signal?: AbortSignal,
): Promise<number[]> {
  if (!runtime.startEngine) throw new Error('This runtime cannot start a process for each case.');
  const peaks: number[] = [];
  for (const trial of trials) {
    signal?.throwIfAborted();
    onCount(peaks.length, trials.length);
    const engine = runtime.startEngine();
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
