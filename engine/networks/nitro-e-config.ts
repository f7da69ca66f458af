import * as z from 'zod';
import { InputError } from '../errors.ts';
import { channelCount, parseConfig, supported } from './config.ts';

/** Layers of the three groups of blocks: before the compressor, between it and the reconstructor, and behind. */
export const NITRO_E_GROUPS = [4, 16, 4] as const;

/** Positions along a side that the compressor mixes. */
export const NITRO_E_CELL = 4;

const schema = z.object({
  _class_name: supported(['EMMDiTTransformer']).default('EMMDiTTransformer'),
  sample_size: z.number().int().min(NITRO_E_CELL).max(256).default(16),
  patch_size: supported([1]).default(1),
  in_channels: channelCount.default(32),
  out_channels: channelCount.nullish(),
  num_layers: supported([24]).default(24),
  attention_head_dim: channelCount.default(32),
  num_attention_heads: channelCount.default(24),
  caption_channels: channelCount.default(2048),
  caption_projection_dim: channelCount.default(768),
  pos_embed_max_size: z.number().int().min(1).max(1024).default(96),
  /** Alternating subregion attention. */
  use_sub_attn: z.boolean().default(true),
  qk_norm: supported(['rms_norm']).default('rms_norm'),
});

/** `config.json` of Nitro-E's EMMDiTTransformer. */
export type NitroEConfig = z.output<typeof schema> & { channels: number; out_channels: number };

/** Text and image are dealt to parts of equal size: of the image, those of the compressed levels together. */
const DEALT_SIDE = 16;

export function parseNitroEConfig(json: unknown, origin: string): NitroEConfig {
  const config = parseConfig(schema, json, origin);
  const channels = config.num_attention_heads * config.attention_head_dim;
  const check = (good: boolean, what: string): void => {
    if (!good) throw new InputError(`${origin}: ${what}.`);
  };
  check(channels <= 16384, `${channels} channels are too many`);
  check(
    channels % NITRO_E_CELL ** 2 === 0,
    `${channels} channels cannot be divided over ${NITRO_E_CELL}×${NITRO_E_CELL} positions`,
  );
  check(
    config.caption_projection_dim === channels,
    `caption_projection_dim must be ${channels}, the width of the heads together, not ${config.caption_projection_dim}`,
  );
  const { sample_size: side, use_sub_attn: dealt } = config;
  const unit = dealt ? DEALT_SIDE : NITRO_E_CELL;
  check(
    side % unit === 0,
    `sample_size must be a multiple of ${unit}${dealt ? ' with use_sub_attn' : ''}, not ${side}`,
  );
  check(
    side <= config.pos_embed_max_size,
    `sample_size is ${side}, but there are positions for ${config.pos_embed_max_size}`,
  );
  return { ...config, out_channels: config.out_channels ?? config.in_channels, channels };
}
