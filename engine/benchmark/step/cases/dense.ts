import { countMacs } from '../../../graph/macs.ts';
import { planarPredict } from '../../../pipelines/planar-unet.ts';
import type { StepCase } from '../case.ts';
import { TIMESTEP } from '../inputs.ts';

/** The planar network over everything: the baseline. */
export const dense: StepCase = {
  name: 'dense',
  mode: 'dense',
  masked: false,
  async prepare(components, { extent, channels, condition }) {
    const start = performance.now();
    const session = await components.session('unet');
    const loadSeconds = (performance.now() - start) / 1000;
    const dims = [channels, extent.height, extent.width];
    const predict = planarPredict(session, { timesteps: [TIMESTEP] }, dims, condition);
    return {
      macs: countMacs(components.network('unet'), extent),
      loadSeconds,
      storeBytes: 0,
      activeFraction: [],
      run: (sample) => predict(sample, 0),
    };
  },
};
