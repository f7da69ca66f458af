import * as z from 'zod';
import { InputError } from '../errors.ts';
import { channelCount, epsilon, parseConfig, smallCount, supported } from './config.ts';

const perLevel = <T extends z.ZodType>(item: T) => z.union([item, z.array(item).min(1).max(8)]);
const layers = smallCount.max(24);
const absent = supported([null]).optional();
const off = supported([false, null]).optional();

/** `config.json` of diffusers' UNet2DConditionModel. Unknown fields must have no effect. */
const schema = z.object({
  _class_name: supported(['UNet2DConditionModel']).default('UNet2DConditionModel'),
  in_channels: channelCount.default(4),
  out_channels: channelCount.default(4),
  block_out_channels: z.array(channelCount).min(1).max(8).default([320, 640, 1280, 1280]),
  down_block_types: z
    .array(supported(['CrossAttnDownBlock2D', 'DownBlock2D']))
    .default(['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D']),
  mid_block_type: supported(['UNetMidBlock2DCrossAttn', 'UNetMidBlock2D', null]).default(
    'UNetMidBlock2DCrossAttn',
  ),
  up_block_types: z
    .array(supported(['CrossAttnUpBlock2D', 'UpBlock2D']))
    .default(['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D']),
  only_cross_attention: perLevel(z.boolean()).default(false),
  mid_block_only_cross_attention: z.boolean().nullish(),
  layers_per_block: perLevel(layers).default(2),
  transformer_layers_per_block: z
    .union([
      layers,
      z
        .array(z.union([layers, z.array(layers).min(1).max(24)]))
        .min(1)
        .max(8),
    ])
    .default(1),
  reverse_transformer_layers_per_block: z.array(z.union([layers, z.array(layers).min(1).max(24)])).nullish(),
  attention_head_dim: perLevel(smallCount.min(1)).nullish(),
  num_attention_heads: perLevel(smallCount.min(1)).nullish(),
  cross_attention_dim: perLevel(channelCount).default(1280),
  use_linear_projection: z.boolean().default(false),
  norm_num_groups: channelCount.default(32),
  norm_eps: epsilon.default(1e-5),
  act_fn: supported(['silu', 'swish']).default('silu'),
  flip_sin_to_cos: z.boolean().default(true),
  freq_shift: z.number().min(0).max(1).default(0),
  downsample_padding: supported([0, 1]).default(1),
  conv_in_kernel: supported([1, 3, 5, 7]).default(3),
  conv_out_kernel: supported([1, 3, 5, 7]).default(3),
  center_input_sample: z.boolean().default(false),
  mid_block_scale_factor: z.number().positive().max(100).default(1),
  time_cond_proj_dim: channelCount.nullish(),
  time_embedding_dim: channelCount.nullish(),
  addition_embed_type: supported(['text_time', null]).default(null),
  addition_time_embed_dim: channelCount.nullish(),
  projection_class_embeddings_input_dim: channelCount.nullish(),
  // Published Stable Diffusion checkpoints have only these values:
  attention_type: supported(['default']).default('default'),
  resnet_time_scale_shift: supported(['default']).default('default'),
  resnet_skip_time_act: off,
  resnet_out_scale_factor: supported([1]).default(1),
  dual_cross_attention: off,
  class_embed_type: absent,
  class_embeddings_concat: off,
  num_class_embeds: absent,
  encoder_hid_dim: absent,
  encoder_hid_dim_type: absent,
  time_embedding_type: supported(['positional']).default('positional'),
  time_embedding_act_fn: absent,
  timestep_post_act: absent,
  cross_attention_norm: absent,
});

/** One block of the U-Net: its resnets and, in a block with attention, the transformer after each of them. */
export interface UNetBlock {
  channels: number;
  /** Number of transformer blocks after each resnet; empty in a block without attention. */
  transformers: number[];
  resnets: number;
  heads: number;
  crossChannels: number;
  onlyCross: boolean;
}

/** The plan of a U-Net: its blocks in order, with all lists expanded. */
export interface UNetConfig extends z.output<typeof schema> {
  down: UNetBlock[];
  mid: UNetBlock | undefined;
  up: UNetBlock[];
  timeChannels: number;
}

/** Reads and validates a U-Net's config; `origin` names it in errors. */
export function parseUNetConfig(json: unknown, origin: string): UNetConfig {
  const config = parseConfig(schema, json, origin);
  const levels = config.block_out_channels.length;
  const refuse = (sentence: string): never => {
    throw new InputError(`${origin}: ${sentence}`);
  };
  const expand = <T>(field: string, value: T | T[]): T[] => {
    if (!Array.isArray(value)) return Array.from({ length: levels }, () => value);
    if (value.length !== levels) refuse(`${field} has ${value.length} entries for ${levels} levels.`);
    return value;
  };
  for (const field of ['down_block_types', 'up_block_types'] as const)
    expand(field, config[field] as string[]);

  const channels = config.block_out_channels;
  // diffusers 0.27 names the number of heads `attention_head_dim`, unless `num_attention_heads` is given.
  const heads = expand('attention_head_dim', config.num_attention_heads ?? config.attention_head_dim ?? 8);
  const resnets = expand('layers_per_block', config.layers_per_block);
  const cross = expand('cross_attention_dim', config.cross_attention_dim);
  const onlyCross = expand('only_cross_attention', config.only_cross_attention);
  const depths = expand<number | number[]>(
    'transformer_layers_per_block',
    config.transformer_layers_per_block as number | (number | number[])[] as number | number[],
  );
  const upDepths = config.reverse_transformer_layers_per_block
    ? expand<number | number[]>(
        'reverse_transformer_layers_per_block',
        config.reverse_transformer_layers_per_block as number[],
      )
    : [...depths].reverse();
  if (!config.reverse_transformer_layers_per_block && depths.some(Array.isArray))
    refuse('transformer_layers_per_block is nested, and reverse_transformer_layers_per_block is missing.');

  const block = (level: number, count: number, attention: boolean, depth: number | number[]): UNetBlock => {
    const transformers = attention ? Array.from({ length: count }, (_, i) => at(depth, i)) : [];
    if (transformers.some((layersHere) => layersHere === undefined))
      refuse(`transformer_layers_per_block has too few entries at level ${level}.`);
    if (channels[level]! % config.norm_num_groups) refuse(groupsSentence(channels[level]!, config));
    if (attention && channels[level]! % heads[level]!)
      refuse(`${channels[level]} channels cannot be divided among ${heads[level]} attention heads.`);
    return {
      channels: channels[level]!,
      resnets: count,
      transformers: transformers as number[],
      heads: heads[level]!,
      crossChannels: cross[level]!,
      onlyCross: onlyCross[level]!,
    };
  };
  const last = levels - 1;
  const down = channels.map((_, i) =>
    block(i, resnets[i]!, config.down_block_types[i] === 'CrossAttnDownBlock2D', depths[i]!),
  );
  const up = channels.map((_, i) => {
    const level = last - i;
    const attention = config.up_block_types[i] === 'CrossAttnUpBlock2D';
    return block(level, resnets[level]! + 1, attention, upDepths[i]!);
  });
  const midAttention = config.mid_block_type === 'UNetMidBlock2DCrossAttn';
  const mid = config.mid_block_type
    ? {
        ...block(last, 1, midAttention, depths[last]!),
        onlyCross: config.mid_block_only_cross_attention ?? false,
      }
    : undefined;
  checkAddedEmbedding(config, refuse);
  return { ...config, down, mid, up, timeChannels: config.time_embedding_dim ?? channels[0]! * 4 };
}

/** SDXL's embedding of sizes and pooled text. */
function checkAddedEmbedding(config: z.output<typeof schema>, refuse: (sentence: string) => never): void {
  if (config.addition_embed_type !== 'text_time') return;
  const { addition_time_embed_dim: time, projection_class_embeddings_input_dim: width } = config;
  if (!time || !width)
    refuse('text_time embeddings need addition_time_embed_dim and projection_class_embeddings_input_dim.');
  else if (width <= 6 * time)
    refuse('projection_class_embeddings_input_dim is too small for six time ids and a text embedding.');
}

function at(depth: number | number[], index: number): number | undefined {
  return Array.isArray(depth) ? depth[index] : depth;
}

function groupsSentence(channels: number, config: { norm_num_groups: number }): string {
  return `${channels} channels cannot be divided into ${config.norm_num_groups} groups.`;
}
