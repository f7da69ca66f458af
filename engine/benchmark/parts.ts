import type { WorkerReport } from '../../shared/api.ts';
import { median } from './timing.ts';

/**
 * What each worker did in the last run, with the median times of the timed runs.
 * @param runs what workers said after each run; the first warms up
 */
export function timedParts([, ...timed]: readonly (readonly WorkerReport[])[]): WorkerReport[] {
  const last = timed.at(-1) ?? [];
  return last.map((part, i) => {
    const timesOf = (field: 'runSeconds' | 'seconds') =>
      median(timed.map((parts) => parts[i]?.[field] ?? part[field]));
    return { ...part, runSeconds: timesOf('runSeconds'), seconds: timesOf('seconds') };
  });
}
