import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap, Ids, Tokens, Vector } from '../graph/values.ts';
import { gatedConvolution } from './gated-convolution.ts';
import type { SanaConfig } from './sana-config.ts';
import { TRANSFORMER } from './transformer.ts';

/** Tokens of a prompt that SANA's transformers read at most (diffusers' `max_sequence_length`). */
export const SANA_TOKENS = 300;

/**
 * SANA's diffusion transformer (Xie et al. 2025, arXiv:2410.10629), with SANA-Sprint's guidance embedding and norms of
 * queries and keys (arXiv:2503.09641): diffusers' SanaTransformer2DModel. Self-attention is linear; the depthwise 3×3
 * convolution in each feed-forward part is all that tells positions apart.
 *
 * Inputs: `sample` [B, in, H, W] · `timestep` [1 or B, 1] · `encoder_hidden_states` [B, L, caption] ·
 * `encoder_attention_mask` [B, L] · by config `guidance` [1 or B, 1], the guidance scale. Output: `out` [B, out, H, W].
 */
export function sana(config: SanaConfig): Network {
  const net = new NetworkBuilder();
  const { channels } = config;
  const sample = net.inputMap('sample', config.in_channels, 0);
  const timestep = net.inputVector('timestep', 1);
  const caption = net.inputTokens('encoder_hidden_states', config.caption_channels);
  const mask = net.inputIds('encoder_attention_mask');
  const { embedded, modulations } = timeEmbedding(net, config, timestep);
  const text = captionOf(net, config, caption);
  let x = net.linear('patch_embed.proj', sample, channels, { conv: true });
  for (let i = 0; i < config.num_layers; i++)
    x = block(net, `transformer_blocks.${i}`, x, { config, modulations, text, mask });
  const [shift, scale] = net
    .splitChannels(net.learnedRows('scale_shift_table', 2, channels), 2)
    .map((row) => net.sum(embedded, row));
  x = net.modulation(net.plainNorm(x, config.norm_eps), scale!, shift!);
  net.output('out', net.linear('proj_out', x, config.out_channels));
  return net.build(TRANSFORMER, { textTokens: SANA_TOKENS });
}

/** The embedding of timestep and guidance, and the six vectors made of it that every block adds its own to. */
function timeEmbedding(
  net: NetworkBuilder,
  config: SanaConfig,
  timestep: Vector,
): { embedded: Vector; modulations: Vector } {
  const { channels } = config;
  const embed = (path: string, number: Vector): Vector => {
    const waves = net.sinusoid(number, 256, { flip: true, shift: 0 });
    const hidden = net.activation(net.linear(`${path}.linear_1`, waves, channels), 'silu');
    return net.linear(`${path}.linear_2`, hidden, channels);
  };
  const at = config.timestep_scale === 1 ? timestep : net.affine(timestep, config.timestep_scale, 0);
  let embedded: Vector;
  if (config.guidance_embeds) {
    const guidance = net.affine(net.inputVector('guidance', 1), config.guidance_embeds_scale, 0);
    const time = embed('time_embed.timestep_embedder', at);
    embedded = net.sum(time, embed('time_embed.guidance_embedder', guidance));
  } else embedded = embed('time_embed.emb.timestep_embedder', at);
  const modulations = net.linear('time_embed.linear', net.activation(embedded, 'silu'), 6 * channels);
  return { embedded, modulations };
}

function captionOf(net: NetworkBuilder, { channels }: SanaConfig, caption: Tokens): Tokens {
  const hidden = net.linear('caption_projection.linear_1', caption, channels);
  const projected = net.linear('caption_projection.linear_2', net.activation(hidden, 'gelu_tanh'), channels);
  return net.rmsNorm('caption_norm', projected, 1e-5);
}

interface BlockInputs {
  config: SanaConfig;
  modulations: Vector;
  text: Tokens;
  mask: Ids;
}

function block(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  { config, modulations, text, mask }: BlockInputs,
): FeatureMap {
  const { channels, norm_eps: epsilon } = config;
  const own = net.sum(modulations, net.learnedRows(`${path}.scale_shift_table`, 6, channels));
  const [shift, scale, gate, mlpShift, mlpScale, mlpGate] = net.splitChannels(own, 6);
  let x = input;
  const attended = net.modulation(net.plainNorm(x, epsilon), scale!, shift!);
  x = net.sum(net.product(selfAttention(net, `${path}.attn1`, attended, config), gate!), x);
  x = net.sum(crossAttention(net, `${path}.attn2`, x, text, mask, config), x);
  const fed = net.modulation(net.plainNorm(x, epsilon), mlpScale!, mlpShift!);
  return net.sum(net.product(gatedConvolution(net, `${path}.ff`, fed, config.hidden), mlpGate!), x);
}

function selfAttention(net: NetworkBuilder, path: string, x: FeatureMap, config: SanaConfig): FeatureMap {
  const { channels, attention_bias: bias } = config;
  const query = normed(net, `${path}.norm_q`, net.linear(`${path}.to_q`, x, channels, { bias }), config);
  const key = normed(net, `${path}.norm_k`, net.linear(`${path}.to_k`, x, channels, { bias }), config);
  const value = net.linear(`${path}.to_v`, x, channels, { bias });
  const seen = net.kernelAttention(path, query, key, value, config.num_attention_heads);
  return net.linear(`${path}.to_out.0`, seen, channels);
}

function crossAttention(
  net: NetworkBuilder,
  path: string,
  x: FeatureMap,
  text: Tokens,
  mask: Ids,
  config: SanaConfig,
): FeatureMap {
  const { channels, crossHeads } = config;
  const query = normed(net, `${path}.norm_q`, net.linear(`${path}.to_q`, x, channels), config);
  const key = normed(net, `${path}.norm_k`, net.linear(`${path}.to_k`, text, channels), config);
  const value = net.linear(`${path}.to_v`, text, channels);
  const seen = net.attention(path, query, key, value, crossHeads, false, { mask });
  return net.linear(`${path}.to_out.0`, seen, channels);
}

/** Norm of the whole width of queries or keys, where the config asks for it (`rms_norm_across_heads`). */
function normed<T extends FeatureMap | Tokens>(
  net: NetworkBuilder,
  path: string,
  x: T,
  { qk_norm }: SanaConfig,
): T {
  return qk_norm === null ? x : net.rmsNorm(path, x, 1e-5);
}
