import * as z from 'zod';
import { InputError } from '../errors.ts';
import { channelCount, epsilon, parseConfig, smallCount, supported } from './config.ts';

const schema = z.object({
  _class_name: supported(['Flux2Transformer2DModel']).default('Flux2Transformer2DModel'),
  in_channels: channelCount.default(128),
  out_channels: channelCount.nullish(),
  num_layers: smallCount.default(8),
  num_single_layers: smallCount.default(48),
  attention_head_dim: channelCount.default(128),
  num_attention_heads: channelCount.default(48),
  joint_attention_dim: channelCount.default(15360),
  timestep_guidance_channels: channelCount.default(256),
  mlp_ratio: z.number().positive().max(16).default(3),
  axes_dims_rope: z.array(channelCount).length(4).default([32, 32, 32, 32]),
  rope_theta: z.number().min(1).max(1e9).default(2000),
  eps: epsilon.default(1e-6),
  patch_size: supported([1]).default(1),
  /** Set by FLUX.2 dev, which embeds the guidance scale. */
  guidance_embeds: supported([false]).default(false),
});

/** `config.json` of diffusers' Flux2Transformer2DModel. */
export type Flux2Config = z.output<typeof schema> & {
  channels: number;
  out_channels: number;
  hidden: number;
};

export function parseFlux2Config(json: unknown, origin: string): Flux2Config {
  const config = parseConfig(schema, json, origin);
  const channels = config.num_attention_heads * config.attention_head_dim;
  const hidden = Math.trunc(config.mlp_ratio * channels);
  const check = (good: boolean, what: string): void => {
    if (!good) throw new InputError(`${origin}: ${what}.`);
  };
  check(channels <= 16384 && hidden >= 1 && hidden <= 65536, `${channels} channels are too many`);
  const axes = config.axes_dims_rope;
  check(
    axes.every((size) => size % 2 === 0) && axes.reduce((a, b) => a + b) === config.attention_head_dim,
    `axes_dims_rope must be even numbers that add up to attention_head_dim, ${config.attention_head_dim}`,
  );
  return { ...config, out_channels: config.out_channels ?? config.in_channels, channels, hidden };
}
