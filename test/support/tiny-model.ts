import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { weightsOf } from '../../engine/graph/network.ts';
import { defaultsOf, type Model } from '../../engine/models/model.ts';
import { autoencoderFacts, networkOf } from '../../engine/models/parts.ts';
import { syntheticWeights } from '../../engine/weights/synthetic.ts';

const vae = {
  _class_name: 'AutoencoderTiny',
  encoder_block_out_channels: [8, 8, 8, 8],
  decoder_block_out_channels: [8, 8, 8, 8],
  num_encoder_blocks: [1, 1, 1, 1],
  num_decoder_blocks: [1, 1, 1, 1],
};

/** A small network of every kind, with seeded random weights in a folder that is gone after `use`. */
export async function withTinyModel(unet: object, use: (model: Model) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
  const network: Model['network'] = (part) => networkOf(part, part === 'unet' ? unet : vae, 'tiny');
  try {
    await use({
      name: 'tiny',
      id: 'tiny',
      autoencoder: autoencoderFacts(vae, 'tiny'),
      defaults: defaultsOf({}, 8),
      network,
      weights: (part) => syntheticWeights(weightsOf(network(part)), { seed: 1, folder }),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
