import * as z from 'zod';
import { InputError } from '../errors.ts';
import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap } from '../graph/values.ts';
import {
  channelCount,
  checkLatentStatistics,
  latentStatistics,
  parseConfig,
  smallCount,
  supported,
} from './config.ts';

const schema = z.object({
  _class_name: supported(['AutoencoderTiny']).default('AutoencoderTiny'),
  in_channels: channelCount.default(3),
  out_channels: channelCount.default(3),
  latent_channels: channelCount.default(4),
  encoder_block_out_channels: z.array(channelCount).min(1).max(8).default([64, 64, 64, 64]),
  decoder_block_out_channels: z.array(channelCount).min(1).max(8).default([64, 64, 64, 64]),
  num_encoder_blocks: z.array(smallCount).min(1).max(8).default([1, 3, 3, 3]),
  num_decoder_blocks: z.array(smallCount).min(1).max(8).default([3, 3, 3, 1]),
  act_fn: supported(['relu']).default('relu'),
  upsample_fn: supported(['nearest']).optional(),
  upsampling_scaling_factor: supported([2]).default(2),
  scaling_factor: z.number().positive().default(1),
  shift_factor: z.number().nullish(),
  /** Ours: the decoder multiplies its input by it. */
  latent_scale: z.number().positive().max(1e3).default(1),
  ...latentStatistics,
});

/** `config.json` of diffusers' AutoencoderTiny. Its decoder may have another width at each level, as `taesana` has. */
type AutoencoderTinyConfig = z.output<typeof schema>;

export function parseAutoencoderTinyConfig(json: unknown, origin: string): AutoencoderTinyConfig {
  const config = parseConfig(schema, json, origin);
  checkLatentStatistics(config, origin);
  const check = (good: boolean, what: string): void => {
    if (!good) throw new InputError(`${origin}: ${what}.`);
  };
  for (const side of ['encoder', 'decoder'] as const)
    check(
      config[`${side}_block_out_channels`].length === config[`num_${side}_blocks`].length,
      `${side} blocks must have one number of channels for each block`,
    );
  const [width, ...others] = config.encoder_block_out_channels;
  check(
    others.every((other) => other === width),
    'encoder blocks must all have the same number of channels',
  );
  return config;
}

/** `image` [B, 3, H, W] in [−1, 1] → `latent` [B, latent, H/2ⁿ, W/2ⁿ]. */
export function autoencoderTinyEncoder(config: AutoencoderTinyConfig): Network {
  const net = new NetworkBuilder();
  const width = config.encoder_block_out_channels[0]!;
  const next = layers('encoder');
  let x = net.affine(net.inputMap('image', config.in_channels, 0), 0.5, 0.5);
  for (const [i, blocks] of config.num_encoder_blocks.entries()) {
    x =
      i === 0
        ? net.convolution(next(), x, width)
        : net.convolution(next(), x, width, { stride: 2, bias: false });
    for (let j = 0; j < blocks; j++) x = block(net, next(), x);
  }
  net.output('latent', net.convolution(next(), x, config.latent_channels));
  return net.build('vae-encoder');
}

/** `latent` [B, latent, h, w] → `image` [B, 3, 2ⁿh, 2ⁿw] in about [−1, 1]. */
export function autoencoderTinyDecoder(config: AutoencoderTinyConfig): Network {
  const net = new NetworkBuilder();
  const widths = config.decoder_block_out_channels;
  const last = config.num_decoder_blocks.length - 1;
  const next = layers('decoder');
  const latent = net.inputMap('latent', config.latent_channels, last);
  const scaled = config.latent_scale === 1 ? latent : net.affine(latent, config.latent_scale, 0);
  let x = net.softClamp(scaled, 3);
  x = net.activation(net.convolution(next(), x, widths[0]!), 'relu');
  next();
  for (const [i, blocks] of config.num_decoder_blocks.entries()) {
    for (let j = 0; j < blocks; j++) x = block(net, next(), x);
    if (i === last) x = net.convolution(next(), x, config.out_channels);
    else {
      next();
      x = net.convolution(next(), x, widths[i + 1]!, { upsample: true, bias: false });
    }
  }
  net.output('image', net.affine(x, 2, -1));
  return net.build('vae-decoder');
}

/** Paths of the layers of a sequence. Layers without weights are numbered too. */
function layers(side: string): () => string {
  let index = 0;
  return () => `${side}.layers.${index++}`;
}

/** Three convolutions with ReLU between them, and a residual before the last ReLU. */
function block(net: NetworkBuilder, path: string, input: FeatureMap): FeatureMap {
  let x = input;
  for (const i of [0, 2, 4]) {
    x = net.convolution(`${path}.conv.${i}`, x, input.channels);
    if (i < 4) x = net.activation(x, 'relu');
  }
  return net.activation(net.sum(x, input), 'relu');
}
