import type { Crew } from '../../engine/parallel/job.ts';
import type { BusOptions } from '../../shared/api.ts';

/** Workers of other machines; the client of the bus is loaded when it is needed. */
export async function connectCrew(bus: BusOptions): Promise<Crew> {
  const { BusCrew } = await import('./crew.ts');
  return BusCrew.connect(bus);
}
