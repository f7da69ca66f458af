import type { SharedPicture, SharedRun } from '../execution/shared-run.ts';
import { type Team, TeamRun } from './team.ts';

/** Distributes an image over a team's workers; the caller ends the run. */
export async function shareOut(
  { model, additions, version, members, options }: Team,
  { dims, signal, ...picture }: SharedPicture,
): Promise<SharedRun> {
  const [channels, height, width] = dims;
  const run = new TeamRun(
    members,
    { ...picture, model, ...(additions && { additions }), version, channels, height, width },
    options,
    signal,
  );
  try {
    await run.begin();
    return run;
  } catch (error) {
    run.end();
    throw error;
  }
}
