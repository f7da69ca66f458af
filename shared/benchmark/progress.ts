import { formatBytes } from '../format.ts';
import type { BenchmarkRun } from './protocol.ts';

/** What is happening, as a short phrase. */
export function describeBenchmark({ stage, done, total, cancelling }: BenchmarkRun): string {
  if (cancelling) return 'Cancelling…';
  switch (stage) {
    case 'wait':
      return 'Waiting for the engine…';
    case 'weights':
      return `Making synthetic weights: ${formatBytes(done)} of ${formatBytes(total)}`;
    case 'prepare':
      return `Loading and recording: mode ${done + 1} of ${total}`;
    case 'measure':
      return done === 0 ? 'Warm, measuring…' : `Round ${done} of ${total}`;
    case 'compare':
      return `Comparing with dense results: mode ${done + 1} of ${total}`;
    case 'profile':
      return done < total ? `Profiling: mode ${done + 1} of ${total}` : 'Profiled';
    case 'isolate':
      return done < total ? `Alone in a fresh process: mode ${done + 1} of ${total}` : 'Done';
    case 'layers':
      return `Layers quantized one by one: ${done} of ${total}`;
  }
}
