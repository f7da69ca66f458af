import * as z from 'zod';
import { InputError } from '../errors.ts';
import { type Network, NetworkBuilder } from '../graph/network.ts';
import { clipLayer } from './clip-layer.ts';
import { channelCount, epsilon, parseConfig, smallCount, supported } from './config.ts';

const schema = z.object({
  architectures: z.array(supported(['CLIPVisionModelWithProjection'])).nullish(),
  hidden_act: supported(['quick_gelu', 'gelu']).default('quick_gelu'),
  hidden_size: channelCount.default(768),
  image_size: z.number().int().min(1).max(1024).default(224),
  intermediate_size: channelCount.default(3072),
  layer_norm_eps: epsilon.default(1e-5),
  num_attention_heads: smallCount.min(1).default(12),
  num_channels: supported([3]).default(3),
  num_hidden_layers: smallCount.min(1).default(12),
  patch_size: z.number().int().min(1).max(64).default(32),
  projection_dim: channelCount.default(512),
});

/** `config.json` of transformers' CLIPVisionModelWithProjection. */
export type ClipVisionConfig = z.output<typeof schema>;

export function parseClipVisionConfig(json: unknown, origin: string): ClipVisionConfig {
  const config = parseConfig(schema, json, origin);
  if (config.hidden_size % config.num_attention_heads || config.image_size % config.patch_size)
    throw new InputError(
      `${origin}: channels must be divisible among the attention heads, and the image into patches.`,
    );
  return config;
}

/** Names of the weights that the caller reads; see `clipVision`. */
export const PLACE_WEIGHTS = {
  classToken: 'vision_model.embeddings.class_embedding',
  positions: 'vision_model.embeddings.position_embedding.weight',
} as const;

/**
 * CLIP's image transformer (Radford et al. 2021). `patches` [B, 1 + N, 3 · p²]: zeros, then the pixels of each patch;
 * `places` [1, 1 + N, C]: the position embedding, with the class embedding added to the first row →
 * `penultimate` and `last` [B, 1 + N, C], the states before and after the last layer without the final norm, and
 * `embeds` [B, 1, P], the projection of the normed class token.
 */
export function clipVision(config: ClipVisionConfig): Network {
  const net = new NetworkBuilder();
  const { hidden_size: channels, layer_norm_eps: norm, patch_size: side } = config;
  const patches = net.inputTokens('patches', 3 * side ** 2);
  const places = net.inputTokens('places', channels);
  const embedded = net.linear('vision_model.embeddings.patch_embedding', patches, channels, { bias: false });
  let x = net.layerNorm('vision_model.pre_layrnorm', net.sum(embedded, places), norm);
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const path = `vision_model.encoder.layers.${i}`;
    if (i === config.num_hidden_layers - 1) net.output('penultimate', x);
    x = clipLayer(net, path, x, config);
  }
  net.output('last', x);
  const token = net.layerNorm('vision_model.post_layernorm', net.sliceTokens(x, 0, 1), norm);
  net.output('embeds', net.linear('visual_projection', token, config.projection_dim, { bias: false }));
  return net.build('image-encoder');
}

/** Planes [3, S, S] → `patches` [1 + N, 3 · p²]: a row of zeros, then for each patch its channels, each row by row. */
export function patchesOf(
  planes: Float32Array,
  { image_size: size, patch_size: side }: ClipVisionConfig,
): Float32Array {
  const across = size / side;
  const width = 3 * side ** 2;
  const result = new Float32Array((1 + across ** 2) * width);
  let to = width;
  for (let py = 0; py < across; py++)
    for (let px = 0; px < across; px++)
      for (let channel = 0; channel < 3; channel++)
        for (let y = 0; y < side; y++) {
          const from = channel * size ** 2 + (py * side + y) * size + px * side;
          result.set(planes.subarray(from, from + side), to);
          to += side;
        }
  return result;
}
