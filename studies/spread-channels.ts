import { cp } from 'node:fs/promises';
import path from 'node:path';
import { embeddedModel } from '../engine/models/embedded.ts';
import { openCheckpoint } from '../engine/models/open.ts';
import { type QuantizationOptions, writeQuantized } from '../engine/quantization/build.ts';
import { productGroups } from '../engine/quantization/layers.ts';
import { smoothingOf } from '../engine/quantization/smoothing.ts';
import { WeightTable } from '../engine/weights/weight-table.ts';
import { byDefault, study, text, whole } from './frame.ts';

await study(
  {
    about:
      'Writes an embedded model with outlier channels: it draws the same images, but some channels of what attention and ' +
      'feed-forward layers read are larger, and their weights smaller by as much. Large networks come to have such ' +
      'channels by training; smoothing is for them.',
    arguments: { out: text('a folder for the model') },
    options: {
      times: byDefault(whole('how many times as large', 2), 16),
      oneOf: byDefault(whole('one of how many channels', 1), 16),
    },
  },
  async ({ out, times, oneOf }) => {
    const model = await openCheckpoint();
    const network = model.network('denoiser');
    const weights = new WeightTable(network, await model.weights('denoiser'));
    let groups = 0;
    const smoothing = await smoothingOf(network, productGroups(network), async ({ products }) => {
      const first = groups++;
      const channels = products[0]!.weight.shape[1]!;
      return Float32Array.from({ length: channels }, (_, c) => ((c + first) % oneOf === 0 ? 1 / times : 1));
    });
    await cp(embeddedModel(), out, { recursive: true });
    const file = path.join(out, 'unet', 'diffusion_pytorch_model.safetensors');
    const options: QuantizationOptions = { form: () => 'float', folded: false, most: 127, smoothing };
    await writeQuantized(file, network, weights, options, { metadata: {} });
    console.log(`${out}: ${groups} groups of layers`);
  },
);
