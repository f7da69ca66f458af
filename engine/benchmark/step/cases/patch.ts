import type { Split, WorkerReport } from '../../../../shared/api.ts';
import { InputError } from '../../../errors.ts';
import { countMacs } from '../../../graph/macs.ts';
import { denoiserVersion } from '../../../models/content-hash.ts';
import { TeamRun } from '../../../parallel/team.ts';
import { TEAM_DEFAULTS } from '../../../parallel/team-options.ts';
import { timedReports } from '../../worker-times.ts';
import type { StepCase } from '../case.ts';
import { TIMESTEP } from '../inputs.ts';

/** Bands of the image on several workers, which read each other's features of the previous step. */
export const patch: StepCase = sharedCase('patch', 'bands');

/** The same, but the guidance branches are split over workers first. */
export const branches: StepCase = sharedCase('branches', 'auto');

function sharedCase(name: string, split: Split): StepCase {
  return {
    name,
    mode: 'dense',
    masked: false,
    shared: true,
    async prepare(
      components,
      { extent, channels, condition, original },
      { arithmetic: { precision }, workers, openCrew, threads, coding = TEAM_DEFAULTS.coding },
    ) {
      const crew = await openCrew?.();
      if (!crew) throw new InputError(`The case ${name} needs workers, which this engine does not have.`);
      const network = components.network('denoiser');
      const { id: model } = components.model;
      const { height, width } = extent;
      const picture = {
        model,
        version: await denoiserVersion(components.model),
        precision,
        network,
        channels,
        height,
        width,
        condition,
        timesteps: [TIMESTEP],
      };
      try {
        const members = await crew.members(workers, threads, model);
        const team = new TeamRun(members, picture, { ...TEAM_DEFAULTS, split, coding, warmUp: 1 });
        await team.begin();
        // The dense step, which gives the bands each other's features.
        await team.predict(original, 0);
        const reports: WorkerReport[][] = [];
        return {
          cost: { macs: countMacs(network, extent) },
          loadSeconds: team.loadSeconds,
          async run(sample) {
            const output = await team.predict(sample, 0);
            reports.push(team.report());
            return output;
          },
          parts: () => timedReports(reports),
          async release() {
            team.end();
            await crew.dispose();
          },
        };
      } catch (error) {
        await crew.dispose();
        throw error;
      }
    },
  };
}
