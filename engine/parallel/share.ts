import type { Share } from '../execution/shared-run.ts';
import { type Team, TeamRun } from './team.ts';

/**
 * Distributes an image, or its stages one after another, over a team's workers. What one stage loses is missing in the
 * next.
 */
export function shareOver({ model, additions, version, members, options }: Team): Share {
  let left = () => members;
  return async ({ dims, signal, ...picture }) => {
    const [channels, height, width] = dims;
    const run = new TeamRun(
      left(),
      { ...picture, model, ...(additions && { additions }), version, channels, height, width },
      options,
      signal,
    );
    left = () => run.members;
    try {
      await run.begin();
      return run;
    } catch (error) {
      run.end();
      throw error;
    }
  };
}
