import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { Dealing } from '../graph/operators.ts';
import type { FeatureMap, Features, Tokens, Vector } from '../graph/values.ts';
import { jointProjections, type Streams } from './joint-attention.ts';
import { NITRO_E_CELL, NITRO_E_GROUPS, type NitroEConfig } from './nitro-e-config.ts';
import { TRANSFORMER } from './transformer.ts';

/** Tokens of a prompt that Nitro-E reads, padding included (`max_sequence_length` of its pipeline). */
export const NITRO_E_TOKENS = 128;

/** Which tokens attend together, in turn by block: all; four parts of single tokens; four parts of runs of four. */
const DEALINGS: readonly (Dealing | undefined)[] = [undefined, { parts: 4, run: 1 }, { parts: 4, run: 4 }];

/**
 * Nitro-E's diffusion transformer (Shen et al. 2025, arXiv:2510.27135): AMD's EMMDiTTransformer. Text and image attend
 * together in every block. The middle group of blocks sees the image at a half and a quarter of its resolution, side by
 * side.
 *
 * Inputs: `sample` [B, in, H, W] · `timestep` [1 or B, 1], 0 … 1000 · `encoder_hidden_states` [B, L, caption], L a
 * multiple of 16 with subregion attention. Output: `out` [B, out, H, W].
 */
export function nitroE(config: NitroEConfig): Network {
  const net = new NetworkBuilder();
  const { channels } = config;
  const sample = net.inputMap('sample', config.in_channels, 0);
  const timestep = net.inputVector('timestep', 1);
  const prompt = net.inputTokens('encoder_hidden_states', config.caption_channels);
  const time = timeEmbedding(net, config, timestep);
  const patches = net.linear('pos_embed.proj', sample, channels, { conv: true });
  const positions = positionsOf(net, config, patches);
  let image = net.sum(patches, positions);
  let text: Tokens | undefined = net.linear('context_embedder', prompt, channels);
  let skip = image;
  let index = 0;
  for (const [group, count] of NITRO_E_GROUPS.entries()) {
    for (let i = 0; i < count; i++) {
      const isLast = group === NITRO_E_GROUPS.length - 1 && i === count - 1;
      const dealing = config.use_sub_attn ? DEALINGS[index++ % DEALINGS.length] : undefined;
      const streams = { image, text: text! };
      ({ image, text } = block(net, `block_groups.${group}.${i}`, streams, {
        config,
        time,
        dealing,
        isLast,
      }));
    }
    if (group === 0) {
      skip = image;
      image = compressed(net, image, channels);
    } else if (group === 1) image = net.sum(reconstructed(net, image, skip, channels), positions);
  }
  const normed = net.plainNorm(image, 1e-6);
  net.output('out', net.linear('proj_out', normed, config.out_channels));
  return net.build(TRANSFORMER, { textTokens: NITRO_E_TOKENS, cell: NITRO_E_CELL });
}

/** Six vectors side by side, which each block scales and shifts. */
function timeEmbedding(net: NetworkBuilder, { channels }: NitroEConfig, timestep: Vector): Vector {
  const path = 'adaln_single.emb.timestep_embedder';
  const waves = net.sinusoid(timestep, 256, { flip: true, shift: 0 });
  const hidden = net.activation(net.linear(`${path}.linear_1`, waves, channels), 'silu');
  const embedded = net.linear(`${path}.linear_2`, hidden, channels);
  return net.linear('adaln_single.linear', net.activation(embedded, 'silu'), 6 * channels);
}

/**
 * The middle of a table of `pos_embed_max_size` positions, whose coordinates are scaled so that images of every
 * `sample_size` have the same step from one position to the next (diffusers' `get_2d_sincos_pos_embed`).
 */
function positionsOf(net: NetworkBuilder, config: NitroEConfig, like: FeatureMap): FeatureMap {
  const { channels, sample_size: side, pos_embed_max_size: most } = config;
  const step = side / most / Math.max(1, Math.floor(side / 16));
  const quarter = channels / 4;
  const frequencies = Array.from({ length: quarter }, (_, i) => step * 10000 ** (-i / quarter));
  return net.sinePositions(like, Math.floor((most - side) / 2), frequencies);
}

interface BlockOptions {
  config: NitroEConfig;
  time: Vector;
  dealing: Dealing | undefined;
  /** The last block outputs no text. */
  isLast: boolean;
}

/** A stream's vectors in a block: they shift and scale the input of each part and are the gate of its result. */
type Modulations = readonly [
  shift: Vector,
  scale: Vector,
  gate: Vector,
  feedShift: Vector,
  feedScale: Vector,
  feedGate: Vector,
];

function block(
  net: NetworkBuilder,
  path: string,
  { image, text }: Streams,
  { config, time, dealing, isLast }: BlockOptions,
): Streams<Tokens | undefined> {
  const ofImage = modulations(net, path, time, '');
  const ofText = isLast ? undefined : modulations(net, path, time, '_c');
  const normed = <T extends Features>(x: T, name: string, vectors?: Modulations): T => {
    const y = net.layerNorm(`${path}.${name}`, x);
    return vectors ? net.modulation(y, vectors[1], vectors[0]) : y;
  };
  const inner = {
    image: normed(image, 'norm1', ofImage),
    text: normed(text, 'norm1_context', ofText),
  };
  const seen = jointAttention(net, `${path}.attn`, inner, config, dealing);
  const after = <T extends Features>(x: T, attended: T, out: string, feed: string, all: Modulations): T => {
    const [, , gate, shift, scale, feedGate] = all;
    const y = net.sum(net.product(net.linear(`${path}.attn.${out}`, attended, config.channels), gate), x);
    const fed = feedForward(net, `${path}.${feed}`, net.modulation(net.plainNorm(y, 1e-6), scale, shift));
    return net.sum(net.product(fed, feedGate), y);
  };
  return {
    image: after(image, seen.image, 'to_out.0', 'ff', ofImage),
    text: ofText && after(text, seen.text, 'to_add_out', 'ff_context', ofText),
  };
}

/** bias + time · (1 + scale), with a bias and a scale for each block and stream. */
function modulations(net: NetworkBuilder, path: string, time: Vector, stream: string): Modulations {
  const table = (name: string) =>
    net.learnedRows(`${path}.scale_shift_${name}${stream}`, 6, time.channels / 6);
  const scaled = net.product(time, net.affine(table('scale'), 1, 1));
  return net.splitChannels(net.sum(scaled, table('bias')), 6) as unknown as Modulations;
}

function jointAttention(
  net: NetworkBuilder,
  path: string,
  streams: Streams,
  { channels, num_attention_heads: heads }: NitroEConfig,
  dealing: Dealing | undefined,
): Streams {
  const { query, key, value } = jointProjections(net, path, streams, {
    channels,
    heads,
    epsilon: 1e-6,
    bias: true,
  });
  return net.splitImage(
    net.attention(path, query, key, value, heads, false, { ...(dealing && { dealing }) }),
  );
}

function feedForward<T extends Features>(net: NetworkBuilder, path: string, x: T): T {
  const hidden = net.activation(net.linear(`${path}.net.0.proj`, x, 3 * x.channels), 'gelu_tanh');
  return net.linear(`${path}.net.2`, hidden, x.channels);
}

/** Levels beside the finest at which the middle blocks see the image: its module, and by how much it is coarser. */
const LEVELS = [
  ['body2x', 1],
  ['body4x', 2],
] as const;

function compressed(net: NetworkBuilder, image: FeatureMap, channels: number): FeatureMap {
  const [half, quarter] = LEVELS.map(([name, levels]) =>
    perceptron(
      net,
      `tokencompressor.0.0.${name}`,
      net.pixelUnshuffle(image, undefined, levels),
      channels,
      true,
    ),
  );
  return net.joinLevels(half!, quarter!);
}

function reconstructed(
  net: NetworkBuilder,
  image: FeatureMap,
  skip: FeatureMap,
  channels: number,
): FeatureMap {
  const { fine, coarse } = net.splitLevels(image);
  const path = 'tokenreconstructor.0.0';
  const [half, quarter] = LEVELS.map(([name, levels]) => {
    const finer = net.pixelShuffle(levels === 1 ? fine : coarse, levels);
    return perceptron(net, `${path}.${name}`, finer, channels, true);
  });
  return perceptron(net, `${path}.mergers`, net.concat([half!, quarter!, skip]), channels, false);
}

/** Two linear maps, in a sequence whose numbers count layers without weights too. */
function perceptron(
  net: NetworkBuilder,
  path: string,
  x: FeatureMap,
  channels: number,
  conv: boolean,
): FeatureMap {
  const first = conv ? 1 : 0;
  const hidden = net.activation(net.linear(`${path}.${first}`, x, channels, { conv }), 'gelu_tanh');
  return net.linear(`${path}.${first + 2}`, hidden, channels, { conv });
}
