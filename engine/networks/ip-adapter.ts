import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap, Tokens } from '../graph/values.ts';
import type { Refer } from './blocks.ts';
import { attendedLevels } from './unet-blocks.ts';
import type { UNetConfig } from './unet-config.ts';

/** Sizes of an IP-Adapter, from the shapes in its file. */
export type ProjectionShape =
  | { kind: 'plain'; embeds: number; tokens: number; channels: number }
  | { kind: 'full'; features: number; channels: number }
  | {
      kind: 'plus';
      features: number;
      tokens: number;
      width: number;
      channels: number;
      layers: number;
      inner: number;
      hidden: number;
    };

/** Channels of a head in the resampler. */
export const HEAD_CHANNELS = 64;

/** What attends to a picture: names of the input tokens of one group of pictures, as keys and scaled as values. */
export const referenceNames = (group: number) => ({
  keys: `reference.${group}.keys`,
  values: `reference.${group}.values`,
  mask: (level: number) => `reference.${group}.mask.${level}`,
});

/** Weights of the attention number n, as the file numbers them: 1, 3, 5, … down, up, then the middle. */
const referencePath = (n: number, what: 'k' | 'v') => `references.${n}.to_${what}_ip`;

/**
 * From an image encoder to the tokens that a U-Net attends to (Ye et al. 2023, IP-Adapter). Plain: `embeds` [B, 1, E] →
 * `flat` [B, 1, n · C], before the norm over each token. Plus, a resampler (Flamingo's): `features` [B, N, F] and
 * `latents` [B, n, W] → `tokens` [B, n, C]. Full, of faces: `features` [B, N, F] → `tokens` [B, N, C].
 */
export function imageProjection(shape: ProjectionShape): Network {
  const net = new NetworkBuilder();
  if (shape.kind === 'plain') {
    const embeds = net.inputTokens('embeds', shape.embeds);
    net.output('flat', net.linear('image_proj.proj', embeds, shape.tokens * shape.channels));
    return net.build('image-projection');
  }
  if (shape.kind === 'full') {
    const features = net.inputTokens('features', shape.features);
    const hidden = net.activation(net.linear('image_proj.proj.0', features, shape.features), 'gelu');
    const projected = net.linear('image_proj.proj.2', hidden, shape.channels);
    net.output('tokens', net.layerNorm('image_proj.proj.3', projected));
    return net.build('image-projection');
  }
  const { width, inner } = shape;
  const x = net.linear('image_proj.proj_in', net.inputTokens('features', shape.features), width);
  let latents = net.inputTokens('latents', width);
  for (let i = 0; i < shape.layers; i++) {
    const path = `image_proj.layers.${i}`;
    const own = net.layerNorm(`${path}.0.norm2`, latents);
    const seen = net.joinTokens([net.layerNorm(`${path}.0.norm1`, x), own]);
    const [query, key, value] = [
      net.linear(`${path}.0.to_q`, own, inner, { bias: false }),
      net.linear(`${path}.0.to_k`, seen, inner, { bias: false }),
      net.linear(`${path}.0.to_v`, seen, inner, { bias: false }),
    ];
    const attended = net.attention(`${path}.0`, query, key, value, inner / HEAD_CHANNELS);
    latents = net.sum(net.linear(`${path}.0.to_out`, attended, width, { bias: false }), latents);
    const normed = net.layerNorm(`${path}.1.0`, latents);
    const hidden = net.activation(net.linear(`${path}.1.1`, normed, shape.hidden, { bias: false }), 'gelu');
    latents = net.sum(net.linear(`${path}.1.3`, hidden, width, { bias: false }), latents);
  }
  const projected = net.linear('image_proj.proj_out', latents, shape.channels);
  net.output('tokens', net.layerNorm('image_proj.norm_out', projected));
  return net.build('image-projection');
}

/** Parts of a U-Net in the order in which its attentions are numbered. */
type Side = 'down' | 'up' | 'middle';

/**
 * Attention to pictures beside the text: to an attention's result is added what the same query finds in each group's
 * tokens, where the group's mask allows it. The strength is in the values, because attention is linear in them.
 * Inputs of each group: `reference.<g>.keys` and `.values` [B, n, C], `reference.<g>.mask.<level>` [1, 1, H, W].
 */
export function referring(
  net: NetworkBuilder,
  config: UNetConfig,
  groups: readonly { masked: boolean }[],
): ((side: Side) => { refer: Refer }) | undefined {
  if (groups.length === 0) return undefined;
  const channels = config.down[0]!.crossChannels;
  const inputs = groups.map(({ masked }, g) => {
    const names = referenceNames(g);
    const masks = new Map<number, FeatureMap>();
    if (masked)
      for (const level of attendedLevels(config)) masks.set(level, net.inputMap(names.mask(level), 1, level));
    return {
      keys: net.inputTokens(names.keys, channels),
      values: net.inputTokens(names.values, channels),
      masks,
    };
  });
  const counted = (blocks: readonly { transformers: readonly number[] }[]) =>
    blocks.reduce((sum, { transformers }) => sum + transformers.reduce((a, b) => a + b, 0), 0);
  const starts = { down: 0, up: counted(config.down), middle: counted(config.down) + counted(config.up) };
  return (side) => {
    let count = starts[side];
    return {
      refer: (query, seen, heads) => {
        const n = 2 * count++ + 1;
        let sum = seen;
        for (const [g, { keys, values, masks }] of inputs.entries()) {
          const project = (what: 'k' | 'v', tokens: Tokens) =>
            net.linear(referencePath(n, what), tokens, seen.channels, { bias: false });
          const path = `references.${n}.${g}`;
          const found = net.attention(path, query, project('k', keys), project('v', values), heads);
          const mask = masks.get(query.level);
          sum = net.sum(sum, mask ? net.masked(found, mask) : found);
        }
        return sum;
      },
    };
  };
}
