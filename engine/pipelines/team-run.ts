import type { Precision } from '../../shared/api.ts';
import type { Components } from '../execution/components.ts';
import type { Condition } from '../execution/condition.ts';
import type { LatentDims } from '../execution/latents.ts';
import { type EditedPicture, type Team, TeamRun } from '../parallel/team.ts';

export interface SharedPicture {
  precision: Precision;
  condition: Condition;
  timesteps: readonly number[];
  /** Of the latents: channels, height, width. */
  dims: LatentDims;
  edit?: EditedPicture;
  signal?: AbortSignal;
}

/** Hands a picture out to a team's workers, which load the model where it is not; the caller ends the run. */
export async function beginTeamRun(
  components: Components,
  { model, members, options }: Team,
  { dims, signal, ...picture }: SharedPicture,
): Promise<TeamRun> {
  const [channels, height, width] = dims;
  const network = components.network('denoiser');
  const run = new TeamRun(members, { ...picture, model, network, channels, height, width }, options, signal);
  try {
    await run.begin();
    return run;
  } catch (error) {
    run.end();
    throw error;
  }
}
