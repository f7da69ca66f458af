import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { weightsOf } from '../../engine/graph/network.ts';
import { defaultsOf, type Model } from '../../engine/models/model.ts';
import { autoencoderFacts, networkOf } from '../../engine/models/networks.ts';
import { sizesOf } from '../../engine/models/sizes.ts';
import type { Steering } from '../../engine/networks/unet.ts';
import { syntheticWeights } from '../../engine/weights/synthetic.ts';
import { TINY_AUTOENCODER } from './configs.ts';

/** A small network of every kind, with seeded random weights in a folder that is gone after `use`. */
export async function withTinyModel(
  unet: object,
  use: (model: Model) => Promise<void>,
  steering?: Steering,
): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
  const network: Model['network'] = (role) =>
    role === 'denoiser'
      ? networkOf(role, unet, 'tiny', { ...(steering && { steering }) })
      : networkOf(role, TINY_AUTOENCODER, 'tiny');
  const facts = autoencoderFacts(TINY_AUTOENCODER, 'tiny');
  const sizes = sizesOf(facts);
  try {
    await use({
      name: 'tiny',
      id: 'tiny',
      autoencoder: facts,
      sizes,
      defaults: defaultsOf({}, { scale: facts.scale, sizes }),
      network,
      weights: (role) => syntheticWeights(weightsOf(network(role)), { seed: 1, folder }),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const CROSS_DOWN = 'CrossAttnDownBlock2D';
const CROSS_UP = 'CrossAttnUpBlock2D';
/** Channels of the text that tiny U-Nets take. */
export const CROSS = 12;

/** The config of a U-Net of two levels, of which the finer one has attention. */
export const smallUNet = (channels: readonly [number, number] = [8, 16]) => ({
  block_out_channels: [...channels],
  norm_num_groups: 4,
  attention_head_dim: 2,
  cross_attention_dim: CROSS,
  layers_per_block: 1,
  down_block_types: [CROSS_DOWN, 'DownBlock2D'],
  up_block_types: ['UpBlock2D', CROSS_UP],
});

/** A U-Net of two or three levels, with and without attention, a middle, linear projections. */
export const tinyUNets = fc
  .record({
    levels: fc.integer({ min: 2, max: 3 }),
    layers: fc.integer({ min: 1, max: 2 }),
    linear: fc.boolean(),
    middle: fc.boolean(),
    attention: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  })
  .map(({ levels, layers, linear, middle, attention }) => {
    const attended = attention.slice(0, levels);
    return {
      block_out_channels: [8, 16, 16].slice(0, levels),
      norm_num_groups: 4,
      attention_head_dim: 2,
      cross_attention_dim: CROSS,
      layers_per_block: layers,
      use_linear_projection: linear,
      mid_block_type: middle ? 'UNetMidBlock2DCrossAttn' : null,
      down_block_types: attended.map((has) => (has ? CROSS_DOWN : 'DownBlock2D')),
      up_block_types: attended.toReversed().map((has) => (has ? CROSS_UP : 'UpBlock2D')),
    };
  });
