import type { MacsCurve } from '../../shared/benchmark/protocol.ts';
import { textLength } from '../execution/denoiser-inputs.ts';
import { countMacs } from '../graph/macs.ts';
import { SyntheticModel } from '../models/synthetic.ts';

/** Sides of square images, in pixels. */
const SIDES = [256, 512, 1024, 2048, 4096];

const SUBJECTS = [
  ['sd15', 'U-Net of Stable Diffusion 1.5'],
  ['flux2-klein-4b', 'FLUX.2 klein 4B'],
  ['sana-600m', 'SANA 600M'],
] as const;

/** Multiply–accumulates of one step of three denoisers, without guidance, counted from their definitions alone. */
export function macsCurves(): MacsCurve[] {
  return SUBJECTS.map(([architecture, title]) => {
    const model = new SyntheticModel(architecture, '');
    const network = model.network('denoiser');
    const tokens = textLength(network);
    const points = SIDES.map((side) => {
      const positions = side / model.autoencoder.scale;
      const extent = { height: positions, width: positions, batch: 1, tokens };
      return { side, macs: countMacs(network, extent).total };
    });
    return { title, points };
  });
}
