import type { WorkerReport } from '../../shared/api.ts';
import { median } from './timing.ts';

/**
 * Each worker's share of the last run, with median times over the timed runs.
 * @param runs the workers' reports of each run; the first is the warm-up
 */
export function timedReports([, ...timed]: readonly (readonly WorkerReport[])[]): WorkerReport[] {
  const last = timed.at(-1) ?? [];
  return last.map((part, i) => {
    const timesOf = (field: 'runSeconds' | 'seconds') =>
      median(timed.map((parts) => parts[i]?.[field] ?? part[field]));
    return { ...part, runSeconds: timesOf('runSeconds'), seconds: timesOf('seconds') };
  });
}
