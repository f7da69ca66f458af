import { densePredict } from '../../../execution/dense-unet.ts';
import { countMacs } from '../../../graph/macs.ts';
import type { StepCase } from '../case.ts';
import { TIMESTEP } from '../inputs.ts';

/** The network over everything, in the form that pictures are drawn with; in float32 the baseline. */
export const dense: StepCase = {
  name: 'dense',
  mode: 'dense',
  masked: false,
  async prepare(components, { extent, channels, condition }, { arithmetic }) {
    const start = performance.now();
    const dims = [channels, extent.height, extent.width] as const;
    const schedule = { timesteps: [TIMESTEP] };
    const predict = await densePredict(components, arithmetic, schedule, dims, condition);
    const loadSeconds = (performance.now() - start) / 1000;
    return {
      macs: countMacs(components.network('denoiser'), extent, undefined, arithmetic.attention),
      loadSeconds,
      storeBytes: 0,
      activeFraction: [],
      run: (sample) => predict(sample, 0),
    };
  },
};
