import type { NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap, Tokens, Vector } from '../graph/values.ts';
import { type Divide, type Refer, resnet, transformer } from './blocks.ts';
import type { UNetBlock, UNetConfig } from './unet-config.ts';

/** Where a part of a U-Net is written: into which network, by which config, under which names. */
export interface Way {
  net: NetworkBuilder;
  config: UNetConfig;
  /** Before all names of weights: empty, or that of a ControlNet. */
  path: string;
  text: Tokens;
  time: Vector;
  /** Attends to pictures beside the text; see `referring`. */
  refer?: Refer;
  /** Attends to the texts of regions; see `dividing`. */
  divide?: Divide;
}

/** The sample as the network expects it. */
export function centred({ net, config }: Way, sample: FeatureMap): FeatureMap {
  return config.center_input_sample ? net.affine(sample, 2, -1) : sample;
}

/** What an adapter adds at a level of the way down, or in the middle; see `featureAt`. */
export type Feature = (place: number | 'middle') => FeatureMap | undefined;

/** The levels from the finest on, and what the way up reads of them. */
export function wayDown(
  way: Way,
  input: FeatureMap,
  feature: Feature = () => undefined,
): { x: FeatureMap; skips: FeatureMap[] } {
  const { net, config, path, time } = way;
  const norm = { groups: config.norm_num_groups, epsilon: config.norm_eps };
  let x = input;
  const skips = [x];
  for (const [i, block] of config.down.entries()) {
    const at = `${path}down_blocks.${i}`;
    const isLast = i === config.down.length - 1;
    const hasAttention = block.transformers.length > 0;
    const added = feature(i);
    for (let j = 0; j < block.resnets; j++) {
      x = resnet(net, `${at}.resnets.${j}`, x, block.channels, norm, time);
      x = attended(way, at, j, x, block);
      // With attention a feature goes behind the last layer; without, to the level's very end.
      const isEnd = j === block.resnets - 1 && (hasAttention || isLast);
      if (added && isEnd) x = net.sum(x, added);
      skips.push(x);
    }
    if (isLast) continue;
    const padding = config.downsample_padding === 0 ? 'end' : 'same';
    x = net.convolution(`${at}.downsamplers.0.conv`, x, block.channels, { stride: 2, padding });
    if (added && !hasAttention) x = net.sum(x, added);
    skips.push(x);
  }
  return { x, skips };
}

/** The coarsest level, between the way down and the way up. */
export function middle(way: Way, input: FeatureMap): FeatureMap {
  const { net, config, path, time } = way;
  const { mid } = config;
  if (!mid) return input;
  const norm = { groups: config.norm_num_groups, epsilon: config.norm_eps };
  let x = resnet(net, `${path}mid_block.resnets.0`, input, mid.channels, norm, time);
  x = attended(way, `${path}mid_block`, 0, x, mid);
  if (config.mid_block_type === 'UNetMidBlock2DCrossAttn')
    x = resnet(net, `${path}mid_block.resnets.1`, x, mid.channels, norm, time);
  return x;
}

/** The transformer behind a resnet, in blocks that have one. */
export function attended(
  { net, config, text, refer, divide }: Way,
  path: string,
  index: number,
  input: FeatureMap,
  block: UNetBlock,
): FeatureMap {
  const layers = block.transformers[index];
  if (!layers) return input;
  return transformer(net, `${path}.attentions.${index}`, input, text, {
    layers,
    heads: block.heads,
    groups: config.norm_num_groups,
    linearProjection: config.use_linear_projection,
    onlyCross: block.onlyCross,
    ...(refer && { refer }),
    ...(divide && { divide }),
  });
}

/** The vectors that time embeddings are made of. */
interface TimeInputs {
  timestep: Vector;
  guidance?: Vector;
  pooled?: Vector;
  ids?: Vector;
}

export function timeInputs(net: NetworkBuilder, config: UNetConfig): TimeInputs {
  const timestep = net.inputVector('timestep', 1);
  const guidance = config.time_cond_proj_dim && net.inputVector('timestep_cond', config.time_cond_proj_dim);
  const isXl = config.addition_embed_type === 'text_time';
  const perId = config.addition_time_embed_dim ?? 0;
  return {
    timestep,
    ...(guidance && { guidance }),
    ...(isXl && {
      pooled: net.inputVector('text_embeds', config.projection_class_embeddings_input_dim! - 6 * perId),
      ids: net.inputVector('time_ids', 6),
    }),
  };
}

/** Time embedding with the guidance embedding and SDXL's text and size conditions, activated for the resnets. */
export function timeEmbedding(
  net: NetworkBuilder,
  config: UNetConfig,
  { timestep, guidance, pooled, ids }: TimeInputs,
  path: string,
): Vector {
  const sinusoid = { flip: config.flip_sin_to_cos, shift: config.freq_shift };
  const channels = config.timeChannels;
  const perceptron = (name: string, input: Vector): Vector => {
    const hidden = net.activation(net.linear(`${path}${name}.linear_1`, input, channels), 'silu');
    return net.linear(`${path}${name}.linear_2`, hidden, channels);
  };
  let x = net.sinusoid(timestep, config.down[0]!.channels, sinusoid);
  if (guidance && config.time_cond_proj_dim)
    x = net.sum(net.linear(`${path}time_embedding.cond_proj`, guidance, x.channels, { bias: false }), x);
  x = perceptron('time_embedding', x);
  if (pooled && ids && config.addition_embed_type === 'text_time') {
    const sizes = net.sinusoid(ids, config.addition_time_embed_dim!, sinusoid);
    x = net.sum(perceptron('add_embedding', net.concat([pooled, sizes])), x);
  }
  return net.activation(x, 'silu');
}

/** Levels at which a U-Net attends to the text. */
export function attendedLevels({ down, mid }: UNetConfig): number[] {
  const levels = down.flatMap(({ transformers }, level) => (transformers.length > 0 ? [level] : []));
  const last = down.length - 1;
  return mid && mid.transformers.length > 0 && !levels.includes(last) ? [...levels, last] : levels;
}
