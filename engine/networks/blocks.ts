import type { NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap, Tokens, Vector } from '../graph/values.ts';

/** Group norm settings of a family of networks. */
export interface GroupNormOptions {
  groups: number;
  epsilon: number;
}

/** Residual block: norm, SiLU, 3×3, twice; the time embedding is added in the middle (diffusers' ResnetBlock2D). */
export function resnet(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  channels: number,
  norm: GroupNormOptions,
  time?: Vector,
): FeatureMap {
  const shift = time && net.linear(`${path}.time_emb_proj`, time, channels);
  let x = net.groupNorm(`${path}.norm1`, input, { ...norm, activation: 'silu' });
  x = net.convolution(`${path}.conv1`, x, channels, { ...(shift && { shift }) });
  x = net.groupNorm(`${path}.norm2`, x, { ...norm, activation: 'silu' });
  x = net.convolution(`${path}.conv2`, x, channels);
  const shortcut =
    input.channels === channels
      ? input
      : net.linear(`${path}.conv_shortcut`, input, channels, { conv: true });
  return net.sum(shortcut, x);
}

interface TransformerOptions {
  /** Number of transformer blocks. */
  layers: number;
  heads: number;
  groups: number;
  /** The projections in and out are linear layers, not 1×1 convolutions. */
  linearProjection: boolean;
  /** The first attention of each block attends to the text too. */
  onlyCross: boolean;
  /** Adds to what an attention to the text gives, before it is projected; see `referring`. */
  refer?: Refer;
  /** Mixes what an attention to the text gives with what it gives for other texts; see `dividing`. */
  divide?: Divide;
}

/** What a query sees of the texts of regions, and of `seen`, the attention's result. `path`: of the attention's weights. */
export type Divide = (path: string, query: FeatureMap, seen: FeatureMap, heads: number) => FeatureMap;

/** What a query sees beside the text: the attention's result, and more. */
export type Refer = (query: FeatureMap, seen: FeatureMap, heads: number) => FeatureMap;

/** Spatial transformer: self-attention, cross-attention to the text, gated feed-forward (Rombach et al. 2022). */
export function transformer(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  text: Tokens,
  options: TransformerOptions,
): FeatureMap {
  const { channels } = input;
  const conv = !options.linearProjection;
  let x = net.groupNorm(`${path}.norm`, input, { groups: options.groups, epsilon: 1e-6 });
  x = net.linear(`${path}.proj_in`, x, channels, { conv });
  for (let i = 0; i < options.layers; i++) {
    const block = `${path}.transformer_blocks.${i}`;
    const attend = (
      name: string,
      norm: string,
      context?: Tokens,
      { refer, divide }: Pick<TransformerOptions, 'refer' | 'divide'> = {},
    ): void => {
      const y = net.layerNorm(`${block}.${norm}`, x);
      const query = net.linear(`${block}.${name}.to_q`, y, channels, { bias: false });
      const key = net.linear<FeatureMap | Tokens>(`${block}.${name}.to_k`, context ?? y, channels, {
        bias: false,
      });
      const value = net.linear<FeatureMap | Tokens>(`${block}.${name}.to_v`, context ?? y, channels, {
        bias: false,
      });
      const read = net.attention(`${block}.${name}`, query, key, value, options.heads);
      const mixed = divide ? divide(`${block}.${name}`, query, read, options.heads) : read;
      const seen = refer ? refer(query, mixed, options.heads) : mixed;
      x = net.sum(net.linear(`${block}.${name}.to_out.0`, seen, channels), x);
    };
    attend('attn1', 'norm1', options.onlyCross ? text : undefined);
    attend('attn2', 'norm2', text, options);
    const gated = net.geglu(`${block}.ff.net.0.proj`, net.layerNorm(`${block}.norm3`, x), 4 * channels);
    x = net.sum(net.linear(`${block}.ff.net.2`, gated, channels), x);
  }
  return net.sum(net.linear(`${path}.proj_out`, x, channels, { conv }), input);
}
