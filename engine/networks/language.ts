import { InputError } from '../errors.ts';
import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { Ids, Tokens } from '../graph/values.ts';
import type { LanguageConfig } from './language-config.ts';

/**
 * A decoder-only language model as text encoder: transformers' Gemma2Model, Qwen3Model or LlamaModel. Attention is causal
 * with rotated positions from 0 on; padding is on the right.
 *
 * Inputs: `input_ids` [B, L] · `attention_mask` [B, L]. Outputs: `last_hidden_state` [B, L, C] after the last norm;
 * with `layers` only what they need: `hidden_states.k`, the states after k layers, for each `k` of them, and
 * `prompt_embeds`, these side by side.
 * @throws InputError if there are fewer layers
 */
export function languageModel(config: LanguageConfig, layers: readonly number[] = []): Network {
  const net = new NetworkBuilder();
  const { prefix, dialect, hidden_size: channels, rms_norm_eps: epsilon } = config;
  const mask = net.inputIds('attention_mask');
  const ids = net.inputIds('input_ids');
  const gemma = dialect === 'gemma2';
  const states: Tokens[] = [];
  const count = layers.length === 0 ? config.num_hidden_layers : Math.max(...layers);
  if (count > config.num_hidden_layers)
    throw new InputError(
      `The text encoder has ${config.num_hidden_layers} layers, but the model reads what the ${count}th one gives: they are of different models.`,
    );
  let x = net.tokenEmbedding(`${prefix}embed_tokens`, ids, config.vocab_size, channels);
  if (gemma) x = net.affine(x, Math.sqrt(channels), 0);
  const norm = (path: string, input: Tokens) =>
    net.rmsNorm(path, input, epsilon, { plusOne: gemma && !config.norm_factors });
  for (let i = 0; i < count; i++) {
    const path = `${prefix}layers.${i}`;
    const after = (name: string, y: Tokens) => (gemma ? norm(`${path}.${name}`, y) : y);
    const seen = attention(net, `${path}.self_attn`, norm(`${path}.input_layernorm`, x), i, mask, config);
    x = net.sum(after('post_attention_layernorm', seen), x);
    const before = gemma ? 'pre_feedforward_layernorm' : 'post_attention_layernorm';
    const fed = perceptron(net, `${path}.mlp`, norm(`${path}.${before}`, x), config);
    x = net.sum(after('post_feedforward_layernorm', fed), x);
    if (!layers.includes(i + 1)) continue;
    net.output(`hidden_states.${i + 1}`, x);
    states.push(x);
  }
  const [first, ...others] = states;
  if (first) net.output('prompt_embeds', net.concat([first, ...others]));
  else net.output('last_hidden_state', norm(`${prefix}norm`, x));
  return net.build('text-encoder');
}

function attention(
  net: NetworkBuilder,
  path: string,
  x: Tokens,
  layer: number,
  mask: Ids,
  config: LanguageConfig,
): Tokens {
  const { num_attention_heads: heads, keyHeads, headChannels, rms_norm_eps: epsilon } = config;
  const frequencies = rotationFrequencies(config);
  const turned = (name: 'q' | 'k', count: number): Tokens => {
    let y = net.linear(`${path}.${name}_proj`, x, count * headChannels, { bias: false });
    if (config.dialect === 'qwen3') y = net.rmsNorm(`${path}.${name}_norm`, y, epsilon, { heads: count });
    return net.rotation(y, count, frequencies, config.rope_interleaved);
  };
  const value = net.linear(`${path}.v_proj`, x, keyHeads * headChannels, { bias: false });
  const { query_pre_attn_scalar: scalar, attn_logit_softcapping: cap, sliding_window: window } = config;
  const gemma = config.dialect === 'gemma2';
  const seen = net.attention(path, turned('q', heads), turned('k', keyHeads), value, heads, true, {
    keyHeads,
    mask,
    ...(gemma && scalar !== undefined && { scale: 1 / Math.sqrt(scalar) }),
    ...(gemma && cap && { cap }),
    // Every second layer, the first one included.
    ...(gemma && window && layer % 2 === 0 && { window }),
  });
  return net.linear(`${path}.o_proj`, seen, x.channels, { bias: false });
}

function perceptron(net: NetworkBuilder, path: string, x: Tokens, config: LanguageConfig): Tokens {
  const [gate, up] = ['gate_proj', 'up_proj'].map((name) =>
    net.linear(`${path}.${name}`, x, config.intermediate_size, { bias: false }),
  );
  const active = net.activation(gate!, config.dialect === 'gemma2' ? 'gelu_tanh' : 'silu');
  return net.linear(`${path}.down_proj`, net.product(active, up!), x.channels, { bias: false });
}

/**
 * Radians for each position, one for each pair of channels: θ^(−2i/d) (Su et al. 2021). With Llama 3's scaling slow
 * rotations are divided by a factor, and those between are blended (transformers' `_compute_llama3_parameters`).
 */
function rotationFrequencies({
  headChannels,
  rope_theta: theta,
  rope_scaling: scaling,
  rope_factors: factors,
}: LanguageConfig): number[] {
  const plain = Array.from({ length: headChannels / 2 }, (_, i) => theta ** ((-2 * i) / headChannels));
  if (factors) return plain.map((frequency, i) => frequency / factors[i]!);
  if (!scaling) return plain;
  const { factor, low_freq_factor: low, high_freq_factor: high } = scaling;
  const length = scaling.original_max_position_embeddings;
  return plain.map((frequency) => {
    const turns = (length * frequency) / (2 * Math.PI);
    if (turns > high) return frequency;
    if (turns < low) return frequency / factor;
    const share = (turns - low) / (high - low);
    return (1 - share) * (frequency / factor) + share * frequency;
  });
}
