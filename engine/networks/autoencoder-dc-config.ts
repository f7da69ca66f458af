import * as z from 'zod';
import { InputError } from '../errors.ts';
import { channelCount, parseConfig, smallCount, supported } from './config.ts';

const BLOCKS = ['ResBlock', 'EfficientViTBlock'] as const;
const NORMS = ['rms_norm', 'batch_norm'] as const;
const ACTIVATIONS = ['silu', 'relu'] as const;

/** One value for all levels, or one for each. */
const eachLevel = <T extends z.ZodType>(value: T) => z.union([value, z.array(value).min(1).max(8)]);
const scales = z.array(z.array(supported([3, 5, 7, 9])).max(4)).max(8);

const schema = z.object({
  _class_name: supported(['AutoencoderDC']).default('AutoencoderDC'),
  in_channels: channelCount.default(3),
  latent_channels: channelCount.default(32),
  attention_head_dim: channelCount.default(32),
  encoder_block_types: eachLevel(supported(BLOCKS)).default('ResBlock'),
  decoder_block_types: eachLevel(supported(BLOCKS)).default('ResBlock'),
  encoder_block_out_channels: z.array(channelCount).min(2).max(8).default([128, 256, 512, 512, 1024, 1024]),
  decoder_block_out_channels: z.array(channelCount).min(2).max(8).default([128, 256, 512, 512, 1024, 1024]),
  encoder_layers_per_block: z.array(smallCount).min(2).max(8).default([2, 2, 2, 3, 3, 3]),
  decoder_layers_per_block: z.array(smallCount).min(2).max(8).default([3, 3, 3, 3, 3, 3]),
  encoder_qkv_multiscales: scales.default([[], [], [], [5], [5], [5]]),
  decoder_qkv_multiscales: scales.default([[], [], [], [5], [5], [5]]),
  upsample_block_type: z.string().max(100).default('pixel_shuffle'),
  downsample_block_type: z.string().max(100).default('pixel_unshuffle'),
  decoder_norm_types: eachLevel(supported(NORMS)).default('rms_norm'),
  decoder_act_fns: eachLevel(supported(ACTIVATIONS)).default('silu'),
  encoder_out_shortcut: z.boolean().default(true),
  decoder_in_shortcut: z.boolean().default(true),
  decoder_conv_act_fn: supported(ACTIVATIONS).default('relu'),
  scaling_factor: z.number().positive().default(1),
});

/** A level of an encoder or decoder. */
export interface DcLevel {
  readonly channels: number;
  readonly layers: number;
  readonly block: (typeof BLOCKS)[number];
  readonly norm: (typeof NORMS)[number];
  readonly activation: (typeof ACTIVATIONS)[number];
  /** Sides of the windows over which attention gathers q, k and v, beside the plain ones. */
  readonly scales: readonly number[];
}

/** `config.json` of diffusers' AutoencoderDC. */
export interface AutoencoderDcConfig {
  readonly pictureChannels: number;
  readonly latentChannels: number;
  readonly headChannels: number;
  /** From the finest. */
  readonly encoder: readonly DcLevel[];
  readonly decoder: readonly DcLevel[];
  /** By space to depth, or by a strided convolution. */
  readonly unshuffles: boolean;
  /** By depth to space, or by repeated positions before a convolution. */
  readonly shuffles: boolean;
  readonly encoderShortcut: boolean;
  readonly decoderShortcut: boolean;
  readonly lastActivation: (typeof ACTIVATIONS)[number];
  readonly scalingFactor: number;
}

export function parseAutoencoderDcConfig(json: unknown, origin: string): AutoencoderDcConfig {
  const config = parseConfig(schema, json, origin);
  const side = (name: 'encoder' | 'decoder'): DcLevel[] => {
    const widths = config[`${name}_block_out_channels`];
    const of = <T>(field: string, values: T | readonly T[]): readonly T[] => {
      const list = Array.isArray(values) ? (values as readonly T[]) : widths.map(() => values as T);
      if (list.length !== widths.length)
        throw new InputError(
          `${origin}: ${field} has ${list.length} entries for ${widths.length} levels of channels.`,
        );
      return list;
    };
    const blocks = of(`${name}_block_types`, config[`${name}_block_types`]);
    const layers = of(`${name}_layers_per_block`, config[`${name}_layers_per_block`]);
    const sides = of(`${name}_qkv_multiscales`, config[`${name}_qkv_multiscales`]);
    const decoder = name === 'decoder';
    const norms = of('decoder_norm_types', decoder ? config.decoder_norm_types : 'rms_norm');
    const activations = of('decoder_act_fns', decoder ? config.decoder_act_fns : 'silu');
    return widths.map((channels, i) => ({
      channels,
      layers: layers[i]!,
      block: blocks[i]!,
      norm: norms[i]!,
      activation: activations[i]!,
      scales: sides[i]!,
    }));
  };
  const parsed: AutoencoderDcConfig = {
    pictureChannels: config.in_channels,
    latentChannels: config.latent_channels,
    headChannels: config.attention_head_dim,
    encoder: side('encoder'),
    decoder: side('decoder'),
    unshuffles: config.downsample_block_type === 'pixel_unshuffle',
    shuffles: config.upsample_block_type !== 'interpolate',
    encoderShortcut: config.encoder_out_shortcut,
    decoderShortcut: config.decoder_in_shortcut,
    lastActivation: config.decoder_conv_act_fn,
    scalingFactor: config.scaling_factor,
  };
  checkLevels(parsed, origin);
  return parsed;
}

/** @throws InputError for channels that cannot be divided as the blocks and shortcuts need it. */
function checkLevels(config: AutoencoderDcConfig, origin: string): void {
  const { encoder, decoder, headChannels, latentChannels } = config;
  const check = (good: boolean, what: string): void => {
    if (!good) throw new InputError(`${origin}: ${what}.`);
  };
  check(encoder.length === decoder.length, 'encoder and decoder have different numbers of levels');
  for (const levels of [encoder, decoder])
    for (const [i, { channels, layers, block, norm }] of levels.entries()) {
      check(layers > 0 || i === 0, `level ${i} has no blocks, which only the finest may`);
      if (block === 'EfficientViTBlock') {
        check(
          channels % headChannels === 0,
          `${channels} channels cannot be divided into heads of ${headChannels}`,
        );
        check(norm === 'rms_norm', 'batch_norm is supported in ResBlocks only');
      }
    }
  for (const levels of [encoder, decoder]) {
    const first = levels[0]!.layers > 0 ? 0 : 1;
    for (let i = first; i + 1 < levels.length; i++) {
      const [fine, coarse] = [levels[i]!.channels, levels[i + 1]!.channels];
      const ratio = (4 * fine) / coarse;
      const divides = Number.isInteger(ratio) && (4 % ratio === 0 || ratio % 4 === 0);
      check(divides, `the shortcut between ${fine} and ${coarse} channels is not supported`);
    }
    if (config.unshuffles || config.shuffles)
      check(
        levels.every(({ channels }) => channels % 4 === 0),
        'channels must be multiples of 4',
      );
  }
  const last = (levels: readonly DcLevel[]) => levels.at(-1)!.channels;
  check(
    last(encoder) % latentChannels === 0 && last(decoder) % latentChannels === 0,
    `${last(decoder)} channels are not a multiple of ${latentChannels} latent channels`,
  );
}
