import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap, Features, Tokens, Vector } from '../graph/values.ts';
import type { Flux2Config } from './flux2-config.ts';
import { jointProjections, type Streams } from './joint-attention.ts';
import { TRANSFORMER } from './transformer.ts';

/** Tokens of a prompt that FLUX.2 klein reads, padding included (diffusers' `max_sequence_length`). */
export const FLUX2_TOKENS = 512;

/** Layers of Qwen 3 whose states it reads, side by side (diffusers' `hidden_states_layers`). */
export const FLUX2_LAYERS: readonly number[] = [9, 18, 27];

/**
 * FLUX.2's diffusion transformer (Black Forest Labs 2025): diffusers' Flux2Transformer2DModel. Text and image attend
 * together in every block, with rotated positions: in the double blocks with weights of their own, in the single ones
 * as one sequence, whose attention and feed-forward part read the same rows.
 *
 * Inputs: `sample` [B, in, H, W] · `timestep` [1 or B, 1], 0 … 1000 · `encoder_hidden_states` [B, L, joint]. Output:
 * `out` [B, out, H, W].
 */
export function flux2(config: Flux2Config): Network {
  const net = new NetworkBuilder();
  const { channels, eps: epsilon } = config;
  const sample = net.inputMap('sample', config.in_channels, 0);
  const timestep = net.inputVector('timestep', 1);
  const prompt = net.inputTokens('encoder_hidden_states', config.joint_attention_dim);
  const time = net.activation(timeEmbedding(net, config, timestep), 'silu');
  const modulations = (path: string, count: number): Modulations[] => {
    const all = net.linear(`${path}.linear`, time, 3 * count * channels, { bias: false });
    const parts = net.splitChannels(all, 3 * count);
    return Array.from({ length: count }, (_, i) => parts.slice(3 * i, 3 * i + 3) as unknown as Modulations);
  };
  let [image, text]: [FeatureMap, Tokens] = [
    net.linear('x_embedder', sample, channels, { bias: false }),
    net.linear('context_embedder', prompt, channels, { bias: false }),
  ];
  const both = {
    image: modulations('double_stream_modulation_img', 2),
    text: modulations('double_stream_modulation_txt', 2),
  };
  for (let i = 0; i < config.num_layers; i++)
    ({ image, text } = doubleBlock(net, `transformer_blocks.${i}`, { image, text }, both, config));
  const [single] = modulations('single_stream_modulation', 1);
  let stream = net.joinImage(text, image);
  for (let i = 0; i < config.num_single_layers; i++)
    stream = singleBlock(net, `single_transformer_blocks.${i}`, stream, single!, config);
  ({ image } = net.splitImage(stream));
  const last = net.linear('norm_out.linear', time, 2 * channels, { bias: false });
  const [scale, shift] = net.splitChannels(last, 2);
  const normed = net.modulation(net.plainNorm(image, epsilon), scale!, shift!);
  net.output('out', net.linear('proj_out', normed, config.out_channels, { bias: false }));
  return net.build(TRANSFORMER, { textTokens: FLUX2_TOKENS });
}

/** Vectors that shift and scale the input of a part of a block, and the gate of its result. */
type Modulations = readonly [shift: Vector, scale: Vector, gate: Vector];

function timeEmbedding(net: NetworkBuilder, config: Flux2Config, timestep: Vector): Vector {
  const path = 'time_guidance_embed.timestep_embedder';
  const waves = net.sinusoid(timestep, config.timestep_guidance_channels, { flip: true, shift: 0 });
  const hidden = net.linear(`${path}.linear_1`, waves, config.channels, { bias: false });
  return net.linear(`${path}.linear_2`, net.activation(hidden, 'silu'), config.channels, { bias: false });
}

function doubleBlock(
  net: NetworkBuilder,
  path: string,
  { image, text }: Streams,
  modulations: { image: readonly Modulations[]; text: readonly Modulations[] },
  config: Flux2Config,
): Streams {
  const { channels, eps: epsilon, num_attention_heads: heads } = config;
  const here = `${path}.attn`;
  const [ofImage, ofText] = [
    modulated(net, image, modulations.image[0]!, epsilon),
    modulated(net, text, modulations.text[0]!, epsilon),
  ];
  const { query, key, value } = jointProjections(
    net,
    here,
    { image: ofImage, text: ofText },
    { channels, heads, epsilon, bias: false },
  );
  const seen = net.splitImage(attention(net, here, query, key, value, config));
  const after = <T extends Features>(
    x: T,
    attended: T,
    out: string,
    feed: string,
    all: readonly Modulations[],
  ) => {
    const [[, , gate], feeding] = all as readonly [Modulations, Modulations];
    const y = net.sum(
      net.product(net.linear(`${here}.${out}`, attended, channels, { bias: false }), gate),
      x,
    );
    const inner = modulated(net, y, feeding, epsilon);
    const both = net.linear(`${path}.${feed}.linear_in`, inner, 2 * config.hidden, { bias: false });
    const fed = net.linear(`${path}.${feed}.linear_out`, gated(net, both), channels, { bias: false });
    return net.sum(net.product(fed, feeding[2]), y);
  };
  return {
    image: after(image, seen.image, 'to_out.0', 'ff', modulations.image),
    text: after(text, seen.text, 'to_add_out', 'ff_context', modulations.text),
  };
}

/** Attention and feed-forward part side by side, with one map before and one behind them. */
function singleBlock(
  net: NetworkBuilder,
  path: string,
  x: Tokens,
  modulations: Modulations,
  config: Flux2Config,
): Tokens {
  const { channels, hidden, eps: epsilon, num_attention_heads: heads } = config;
  const here = `${path}.attn`;
  const inner = modulated(net, x, modulations, epsilon);
  const all = net.linear(`${here}.to_qkv_mlp_proj`, inner, 3 * channels + 2 * hidden, { bias: false });
  const [query, key, value] = [0, 1, 2].map((i) => net.sliceChannels(all, i * channels, channels));
  const normed = (name: string, y: Tokens) => net.rmsNorm(`${here}.${name}`, y, epsilon, { heads });
  const seen = attention(net, here, normed('norm_q', query!), normed('norm_k', key!), value!, config);
  const fed = gated(net, net.sliceChannels(all, 3 * channels, 2 * hidden));
  const out = net.linear(`${here}.to_out`, net.concat([seen, fed]), channels, { bias: false });
  return net.sum(net.product(out, modulations[2]), x);
}

/** Attention over text and image as one sequence, with rotated queries and keys. */
function attention(
  net: NetworkBuilder,
  path: string,
  query: Tokens,
  key: Tokens,
  value: Tokens,
  config: Flux2Config,
): Tokens {
  const heads = config.num_attention_heads;
  const frequencies = axisFrequencies(config);
  const [q, k] = [query, key].map((x) => net.axisRotation(x, heads, frequencies));
  return net.attention(path, q!, k!, value, heads);
}

function modulated<T extends Features>(
  net: NetworkBuilder,
  x: T,
  [shift, scale]: Modulations,
  epsilon: number,
): T {
  return net.modulation(net.plainNorm(x, epsilon), scale, shift);
}

/** silu(a) · b of the halves of the channels (Shazeer 2020). */
function gated<T extends Features>(net: NetworkBuilder, x: T): T {
  const [gate, value] = net.splitChannels(x, 2);
  return net.product(net.activation(gate!, 'silu'), value!);
}

/** θ^(−2i/d) for the d channels of each axis, one axis after the other. */
function axisFrequencies({ axes_dims_rope: axes, rope_theta: theta }: Flux2Config): number[][] {
  return axes.map((_, axis) =>
    axes.flatMap((size, other) =>
      Array.from({ length: size / 2 }, (_, i) => (other === axis ? theta ** ((-2 * i) / size) : 0)),
    ),
  );
}
