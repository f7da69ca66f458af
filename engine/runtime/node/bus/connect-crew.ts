import type { BusOptions } from '../../../api.ts';
import type { Crew } from '../../../parallel/job.ts';

/** Workers of other machines; the client of the bus is loaded when it is needed. */
export async function connectCrew(bus: BusOptions): Promise<Crew> {
  const { BusCrew } = await import('./crew.ts');
  return BusCrew.connect(bus);
}
