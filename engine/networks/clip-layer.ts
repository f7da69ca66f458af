import type { NetworkBuilder } from '../graph/network.ts';
import type { Tokens } from '../graph/values.ts';

/** The fields of CLIP's config, in transformers' names, that describe a layer. */
interface ClipLayerConfig {
  hidden_size: number;
  intermediate_size: number;
  num_attention_heads: number;
  layer_norm_eps: number;
  hidden_act: 'quick_gelu' | 'gelu';
}

/** A layer of CLIP's encoders (Radford et al. 2021): attention and a feed-forward network, each after a norm. */
export function clipLayer(
  net: NetworkBuilder,
  path: string,
  x: Tokens,
  config: ClipLayerConfig,
  causal = false,
): Tokens {
  const { hidden_size: channels, layer_norm_eps: norm } = config;
  const normed = net.layerNorm(`${path}.layer_norm1`, x, norm);
  const [query, key, value] = ['q_proj', 'k_proj', 'v_proj'].map((name) =>
    net.linear(`${path}.self_attn.${name}`, normed, channels),
  );
  const attended = net.attention(
    `${path}.self_attn`,
    query!,
    key!,
    value!,
    config.num_attention_heads,
    causal,
  );
  const sum = net.sum(net.linear(`${path}.self_attn.out_proj`, attended, channels), x);
  const inner = net.linear(
    `${path}.mlp.fc1`,
    net.layerNorm(`${path}.layer_norm2`, sum, norm),
    config.intermediate_size,
  );
  return net.sum(net.linear(`${path}.mlp.fc2`, net.activation(inner, config.hidden_act), channels), sum);
}
