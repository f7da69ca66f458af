import * as z from 'zod';
import { InputError } from '../errors.ts';
import { channelCount, epsilon, parseConfig, smallCount, supported } from './config.ts';

const schema = z.object({
  _class_name: supported(['SanaTransformer2DModel']).default('SanaTransformer2DModel'),
  in_channels: channelCount.default(32),
  out_channels: channelCount.nullish(),
  num_attention_heads: channelCount.default(70),
  attention_head_dim: channelCount.default(32),
  num_layers: smallCount.min(1).default(20),
  num_cross_attention_heads: channelCount.nullable().default(20),
  cross_attention_head_dim: channelCount.nullable().default(112),
  cross_attention_dim: channelCount.nullable().default(2240),
  caption_channels: channelCount.default(2304),
  mlp_ratio: z.number().positive().max(16).default(2.5),
  attention_bias: z.boolean().default(false),
  sample_size: z.number().int().min(1).max(1024).default(32),
  patch_size: supported([1]).default(1),
  norm_elementwise_affine: supported([false]).default(false),
  norm_eps: epsilon.default(1e-6),
  /** Positions of the models for 2K and 4K. */
  interpolation_scale: supported([null]).nullish(),
  guidance_embeds: z.boolean().default(false),
  guidance_embeds_scale: z.number().positive().max(1000).default(0.1),
  qk_norm: supported(['rms_norm_across_heads', null]).default(null),
  timestep_scale: z.number().positive().max(1e6).default(1),
});

/** `config.json` of diffusers' SanaTransformer2DModel. */
export type SanaConfig = z.output<typeof schema> & {
  channels: number;
  out_channels: number;
  crossHeads: number;
  hidden: number;
};

export function parseSanaConfig(json: unknown, origin: string): SanaConfig {
  const config = parseConfig(schema, json, origin);
  const channels = config.num_attention_heads * config.attention_head_dim;
  const crossHeads = config.num_cross_attention_heads ?? config.num_attention_heads;
  const crossWidth = crossHeads * (config.cross_attention_head_dim ?? config.attention_head_dim);
  const [hidden, cross] = [Math.trunc(config.mlp_ratio * channels), config.cross_attention_dim ?? channels];
  const check = (good: boolean, what: string): void => {
    if (!good) throw new InputError(`${origin}: ${what}.`);
  };
  check(channels <= 16384 && hidden <= 65536, `${channels} channels are too many`);
  check(
    crossWidth === channels,
    `the heads of cross-attention make ${crossWidth} channels, but the network has ${channels}`,
  );
  check(cross === channels, `cross_attention_dim is ${cross}, but the caption has ${channels} channels`);
  return { ...config, out_channels: config.out_channels ?? config.in_channels, channels, crossHeads, hidden };
}
