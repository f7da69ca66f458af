/** Edits by small transformers, for tests. */

import { SMALL_FLUX2, SMALL_NITRO_E, SMALL_SANA } from '../../../test/support/transformers.ts';
import { type Network, weightsOf } from '../../graph/network.ts';
import { float32, int64 } from '../../graph/tensor.ts';
import { flux2 } from '../../networks/flux2.ts';
import { parseFlux2Config } from '../../networks/flux2-config.ts';
import { nitroE } from '../../networks/nitro-e.ts';
import { parseNitroEConfig } from '../../networks/nitro-e-config.ts';
import { sana } from '../../networks/sana.ts';
import { parseSanaConfig } from '../../networks/sana-config.ts';
import { gaussianNoise } from '../../noise.ts';
import type { DeviceStorage } from '../../regions/features.ts';
import { FeatureStore, type Features } from '../../regions/store.ts';
import { syntheticWeights } from '../../weights/synthetic.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import type { Backend } from '../backend.ts';
import type { Condition } from '../condition.ts';
import { elementOf } from '../lowering/recorded-rows.ts';
import { Programs } from '../programs.ts';
import { KeptTokens } from './kept-tokens.ts';
import { TransformerDenoiser } from './transformer-denoiser.ts';
import { TransformerForms } from './transformer-forms.ts';

const SIDE = 16;
const TEXT_TOKENS = 16;
/** Small transformers: with linear attention and convolutions, with text and image in one sequence, with parts. */
export const TRANSFORMERS: Record<string, { network: Network; channels: number; text: number }> = {
  SANA: { network: sana(parseSanaConfig(SMALL_SANA, 'test')), channels: 3, text: 6 },
  'FLUX.2': {
    network: flux2(parseFlux2Config({ ...SMALL_FLUX2, in_channels: 3, num_single_layers: 2 }, 'test')),
    channels: 3,
    text: 6,
  },
  'Nitro-E': {
    network: nitroE(parseNitroEConfig({ ...SMALL_NITRO_E, sample_size: SIDE, use_sub_attn: true }, 'test')),
    channels: 4,
    text: 8,
  },
};

/** On which backend, in which folder weights are, and how features are kept: in main memory as float32 if absent. */
interface Place {
  backend: Backend;
  folder: string;
  storage: DeviceStorage | undefined;
}

async function formsOf(network: Network, { backend, folder, storage }: Place) {
  const weights = new WeightTable(network, await syntheticWeights(weightsOf(network), { seed: 1, folder }));
  const programs = new Programs();
  const can = { ...backend.can, elements: storage && storage !== 'float32' ? [elementOf(storage)] : [] };
  const keeps = (name: string) => /^(new|put)\./.test(name);
  const forms = new TransformerForms({
    network: () => network,
    programs,
    keepsAll: true,
    // Those of a large one are never kept as float32, those of a small one never in bytes.
    isSmall: async () => storage !== 'uint8' && storage !== 'nibbles',
    backend: { device: backend.device, can },
    keepsFeatures: storage !== undefined,
    compile: (one, key) =>
      programs.get({ ...key, role: 'denoiser' }, () =>
        backend.compile(one, weights, key.form, storage && { keeps }),
      ),
  });
  return { forms, release: () => programs.free(() => true) };
}

const mask = (top: number, left: number, height: number, width: number) => {
  const data = new Uint8Array(SIDE * SIDE);
  for (let y = top; y < top + height; y++) data.fill(1, y * SIDE + left, y * SIDE + left + width);
  return { height: SIDE, width: SIDE, data };
};
const MASKS = [mask(1, 2, 6, 4), mask(0, 0, SIDE, SIDE), mask(4, 9, 2, 3), mask(3, 0, 9, 8)];

/** An image is recorded, and parts of it are edited one after another: the results, and the bytes of the record. */
export async function transformerEdits(subject: string, batch: number, place: Place) {
  const { network, channels, text } = TRANSFORMERS[subject]!;
  const { forms, release } = await formsOf(network, place);
  const denoiser = new TransformerDenoiser(forms, { precision: 'fp32' });
  const dims = [batch, TEXT_TOKENS, text];
  const textMask = int64(new BigInt64Array(batch * TEXT_TOKENS).fill(1n), dims.slice(0, 2));
  const condition: Condition = {
    text: float32(
      gaussianNoise(
        1,
        99,
        dims.reduce((a, b) => a * b),
      ),
      dims,
    ),
    ...(subject === 'SANA' && { textMask }),
    guidance: 1.5,
  };
  const store = new FeatureStore(1e9);
  try {
    const whole = await denoiser.plan({ of: 'whole', height: SIDE, width: SIDE, records: true }, batch);
    const noise = gaussianNoise(2, 0, channels * SIDE * SIDE);
    const dense = await denoiser.predict(whole, noise, 300, condition, { record: true });
    const outputs = [dense.output];
    let seen: Features = dense.features!;
    store.put({ picture: subject, timestep: 300 }, seen);
    for (const [i, region] of MASKS.entries()) {
      const plan = await denoiser.plan({ of: 'region', mask: region, ring: 0 }, batch);
      const part = gaussianNoise(3 + i, 0, channels * plan.positions!.length);
      const { output, features } = await denoiser.predict(plan, part, 300, condition, { seen, record: true });
      outputs.push(output);
      seen = (await denoiser.updated(seen, plan, features!))!;
    }
    if (seen instanceof KeptTokens !== (place.storage !== undefined))
      throw new Error('the features are not where they belong');
    const { bytes, deviceBytes } = store;
    return { outputs, bytes, deviceBytes };
  } finally {
    await release();
  }
}
