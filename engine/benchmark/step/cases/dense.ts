import { countMacs } from '../../../graph/macs.ts';
import type { StepCase } from '../case.ts';
import { TIMESTEP } from '../inputs.ts';

/** The whole network in the form that is used to generate images; in float32 it is the baseline. */
export const dense: StepCase = {
  name: 'dense',
  mode: 'dense',
  masked: false,
  async prepare(components, { extent, condition }, { arithmetic }) {
    const start = performance.now();
    const { height, width, batch } = extent;
    const denoiser = components.denoiser(arithmetic);
    const plan = await denoiser.plan({ of: 'whole', height, width }, batch);
    const loadSeconds = (performance.now() - start) / 1000;
    return {
      cost: { macs: countMacs(components.network('denoiser'), extent, undefined, arithmetic.attention) },
      loadSeconds,
      run: async (sample) => (await denoiser.predict(plan, sample, TIMESTEP, condition)).output,
    };
  },
};
