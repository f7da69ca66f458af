import * as z from 'zod';
import { InputError } from '../errors.ts';
import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap } from '../graph/values.ts';
import { type GroupNormOptions, resnet } from './blocks.ts';
import {
  channelCount,
  checkLatentStatistics,
  epsilon,
  latentStatistics,
  parseConfig,
  smallCount,
  supported,
} from './config.ts';

const fields = {
  in_channels: channelCount.default(3),
  out_channels: channelCount.default(3),
  latent_channels: channelCount.default(4),
  block_out_channels: z.array(channelCount).min(1).max(8).default([64]),
  down_block_types: z.array(supported(['DownEncoderBlock2D'])).optional(),
  up_block_types: z.array(supported(['UpDecoderBlock2D'])).optional(),
  layers_per_block: smallCount.default(1),
  norm_num_groups: channelCount.default(32),
  act_fn: supported(['silu', 'swish']).default('silu'),
  scaling_factor: z.number().positive().default(0.18215),
  shift_factor: z.number().nullish(),
  use_quant_conv: z.boolean().default(true),
  use_post_quant_conv: z.boolean().default(true),
  mid_block_add_attention: z.boolean().default(true),
};

const schema = z.object({
  _class_name: supported(['AutoencoderKL']).default('AutoencoderKL'),
  ...fields,
  ...latentStatistics,
});

/** AutoencoderKLFlux2's fields have other defaults, and no factors. */
const packedSchema = z.object({
  _class_name: supported(['AutoencoderKLFlux2']),
  ...fields,
  latent_channels: channelCount.default(32),
  block_out_channels: fields.block_out_channels.default([128, 256, 512, 512]),
  layers_per_block: smallCount.default(2),
  /** FLUX.2's small decoder. */
  decoder_block_out_channels: supported([null]).nullish(),
  batch_norm_eps: epsilon.default(1e-4),
  patch_size: z.tuple([supported([2]), supported([2])]).default([2, 2]),
  scaling_factor: supported([1]).default(1),
  shift_factor: supported([0]).nullish(),
});

/** `config.json` of diffusers' AutoencoderKL, or of AutoencoderKLFlux2. */
export type AutoencoderKlConfig = z.output<typeof schema> & {
  /**
   * AutoencoderKLFlux2's: latents are packed, 2×2 positions as channels of one, and standardized with the statistics of
   * a batch norm, which has this ε.
   */
  packing?: { epsilon: number };
};

export function parseAutoencoderKlConfig(json: unknown, origin: string): AutoencoderKlConfig {
  const config = parsed(json, origin);
  checkLatentStatistics(config, origin);
  for (const channels of config.block_out_channels)
    if (channels % config.norm_num_groups)
      throw new InputError(
        `${origin}: ${channels} channels cannot be divided into ${config.norm_num_groups} groups.`,
      );
  return config;
}

function parsed(json: unknown, origin: string): AutoencoderKlConfig {
  if ((json as { _class_name?: unknown } | null)?._class_name !== 'AutoencoderKLFlux2')
    return parseConfig(schema, json, origin);
  const { batch_norm_eps: epsilon, _class_name: _, ...config } = parseConfig(packedSchema, json, origin);
  return { ...config, _class_name: 'AutoencoderKL', packing: { epsilon } };
}

/**
 * `image` [B, 3, H, W] in [−1, 1] → `moments` [B, 2 · latent, H/2ⁿ, W/2ⁿ]: mean, then log-variance; where latents are
 * packed `latent` [B, 4 · latent, H/2ⁿ⁺¹, W/2ⁿ⁺¹], of the mean.
 */
export function autoencoderKlEncoder(config: AutoencoderKlConfig): Network {
  const net = new NetworkBuilder();
  const norm = { groups: config.norm_num_groups, epsilon: 1e-6 };
  const channels = config.block_out_channels;
  let x = net.convolution('encoder.conv_in', net.inputMap('image', config.in_channels, 0), channels[0]!);
  for (const [i, width] of channels.entries()) {
    const path = `encoder.down_blocks.${i}`;
    for (let j = 0; j < config.layers_per_block; j++) x = resnet(net, `${path}.resnets.${j}`, x, width, norm);
    if (i < channels.length - 1)
      x = net.convolution(`${path}.downsamplers.0.conv`, x, width, { stride: 2, padding: 'end' });
  }
  x = middle(net, 'encoder.mid_block', x, norm, config.mid_block_add_attention);
  x = net.groupNorm('encoder.conv_norm_out', x, { ...norm, activation: 'silu' });
  x = net.convolution('encoder.conv_out', x, 2 * config.latent_channels);
  if (config.use_quant_conv) x = net.linear('quant_conv', x, 2 * config.latent_channels, { conv: true });
  if (config.packing) {
    const mean = net.sliceChannels(x, 0, config.latent_channels);
    net.output('latent', net.standardization('bn', net.pixelUnshuffle(mean), config.packing.epsilon, false));
  } else net.output('moments', x);
  return net.build('vae-encoder');
}

/**
 * `latent` [B, latent, h, w], divided by the scaling factor → `image` [B, 3, 2ⁿh, 2ⁿw] in about [−1, 1]; where latents
 * are packed, of [B, 4 · latent, h/2, w/2].
 */
export function autoencoderKlDecoder(config: AutoencoderKlConfig): Network {
  const net = new NetworkBuilder();
  const norm = { groups: config.norm_num_groups, epsilon: 1e-6 };
  const channels = [...config.block_out_channels].reverse();
  let x = latentInput(net, config, channels.length - 1);
  if (config.use_post_quant_conv)
    x = net.linear('post_quant_conv', x, config.latent_channels, { conv: true });
  x = net.convolution('decoder.conv_in', x, channels[0]!);
  x = middle(net, 'decoder.mid_block', x, norm, config.mid_block_add_attention);
  for (const [i, width] of channels.entries()) {
    const path = `decoder.up_blocks.${i}`;
    for (let j = 0; j <= config.layers_per_block; j++)
      x = resnet(net, `${path}.resnets.${j}`, x, width, norm);
    if (i < channels.length - 1)
      x = net.convolution(`${path}.upsamplers.0.conv`, x, width, { upsample: true });
  }
  x = net.groupNorm('decoder.conv_norm_out', x, { ...norm, activation: 'silu' });
  net.output('image', net.convolution('decoder.conv_out', x, config.out_channels));
  return net.build('vae-decoder');
}

function latentInput(net: NetworkBuilder, config: AutoencoderKlConfig, level: number): FeatureMap {
  const { latent_channels: channels, packing } = config;
  if (!packing) return net.inputMap('latent', channels, level);
  const packed = net.inputMap('latent', 4 * channels, level + 1);
  return net.pixelShuffle(net.standardization('bn', packed, packing.epsilon, true));
}

/** Two residual blocks with single-head self-attention between them. */
function middle(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  norm: GroupNormOptions,
  attention: boolean,
): FeatureMap {
  const { channels } = input;
  let x = resnet(net, `${path}.resnets.0`, input, channels, norm);
  if (attention) {
    const here = `${path}.attentions.0`;
    const y = net.groupNorm(`${here}.group_norm`, x, norm);
    const [query, key, value] = ['to_q', 'to_k', 'to_v'].map((name) =>
      net.linear(`${here}.${name}`, y, channels),
    );
    x = net.sum(net.linear(`${here}.to_out.0`, net.attention(here, query!, key!, value!, 1), channels), x);
  }
  return resnet(net, `${path}.resnets.1`, x, channels, norm);
}
