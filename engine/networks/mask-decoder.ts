import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap, Tokens } from '../graph/values.ts';

/** Segment Anything's prompt encoder and mask decoder (Kirillov et al., ICCV 2023). */
export interface MaskDecoderConfig {
  /** Channels of the image embedding and of the tokens. */
  channels: number;
  heads: number;
  /** Number of two-way transformer blocks. */
  depth: number;
  mlpChannels: number;
  /** Cross-attention has the channels divided by this. */
  attentionDownsample: number;
  /** Channels of the hidden layers of the perceptron that predicts the score, and its number of layers. */
  scoreChannels: number;
  scoreDepth: number;
  /** Channels between the layers that read an earlier mask. */
  maskChannels: number;
  /** Side of the square in which points lie, in pixels. */
  frame: number;
  /** Epsilon of every layer norm. */
  epsilon: number;
}

/** One mask for an unambiguous prompt, then three candidates. */
const MASKS = 4;
/** Learned tokens, before those of the points: one for the score and one for each mask. */
export const LEARNED_TOKENS = 1 + MASKS;
/** Levels between the masks and the embedding: masks are four times as large. */
const LEVELS = 2;

/** `refine`: the decoder also takes the logits of an earlier mask. */
interface DecoderOptions {
  refine: boolean;
}

/**
 * `image_embeddings` [1, C, s, s], `point_coords` [1, N, 2] in pixels of the frame, `point_labels` int64 [1, N] (1 include,
 * 0 exclude, 2 and 3 a box's corners, −1 none) and, to refine, `mask_input` [1, 1, 4s, 4s] → `masks` [1, 4, 4s, 4s]
 * logits and `iou_predictions` [1, 1, 4].
 */
export function maskDecoder(config: MaskDecoderConfig, { refine }: DecoderOptions): Network {
  const { channels, epsilon } = config;
  const net = new NetworkBuilder();
  const image = net.inputMap('image_embeddings', channels, LEVELS);
  const points = net.inputTokens('point_coords', 2);
  const labels = net.inputIds('point_labels');
  const frequencies = 'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix';
  const prompt = net.promptTokens(points, labels, {
    channels,
    frame: config.frame,
    frequencies,
    learned: [
      ['mask_decoder.iou_token', 1],
      ['mask_decoder.mask_tokens', MASKS],
    ],
    rows: ['not_a_point_embed', ...[0, 1, 2, 3].map((i) => `point_embeddings.${i}`)].map(
      (name) => `prompt_encoder.${name}`,
    ),
  });
  const dense = refine
    ? net.sum(image, maskEmbedding(net, config))
    : net.sum(image, net.learned('prompt_encoder.no_mask_embed', channels));
  const { tokens, map } = twoWayTransformer(net, dense, net.positionMap(frequencies, image), prompt, config);
  const upscaled = upscaling(net, map, epsilon);
  const kernels = Array.from({ length: MASKS }, (_, i) =>
    perceptron(net, `mask_decoder.output_hypernetworks_mlps.${i}`, net.sliceTokens(tokens, 1 + i, 1), [
      channels,
      channels,
      upscaled.channels,
    ]),
  );
  net.output('masks', net.maskProduct(upscaled, kernels));
  const { scoreChannels, scoreDepth } = config;
  const widths = [...Array<number>(scoreDepth - 1).fill(scoreChannels), MASKS];
  const score = perceptron(net, 'mask_decoder.iou_prediction_head', net.sliceTokens(tokens, 0, 1), widths);
  net.output('iou_predictions', score);
  return net.build(refine ? 'mask-decoder-refine' : 'mask-decoder');
}

/** An earlier mask, downsampled to the embedding's size. */
function maskEmbedding(
  net: NetworkBuilder,
  { channels, maskChannels, epsilon }: MaskDecoderConfig,
): FeatureMap {
  const path = 'prompt_encoder.mask_downscaling';
  let x = net.inputMap('mask_input', 1, 0);
  for (const [i, width] of [maskChannels / 4, maskChannels].entries()) {
    x = net.convolution(`${path}.${3 * i}`, x, width, { kernel: 2, stride: 2, padding: 'none' });
    x = net.activation(net.layerNorm(`${path}.${3 * i + 1}`, x, epsilon), 'gelu');
  }
  return net.linear(`${path}.6`, x, channels, { conv: true });
}

/** Two transposed convolutions: 4s × 4s positions of an eighth of the channels. */
function upscaling(net: NetworkBuilder, map: FeatureMap, epsilon: number): FeatureMap {
  const path = 'mask_decoder.output_upscaling';
  let x = net.transposedConvolution(`${path}.0`, map, map.channels / 4);
  x = net.activation(net.layerNorm(`${path}.1`, x, epsilon), 'gelu');
  return net.activation(net.transposedConvolution(`${path}.3`, x, map.channels / 8), 'gelu');
}

/** Linear layers with ReLU between them. */
function perceptron(net: NetworkBuilder, path: string, input: Tokens, widths: readonly number[]): Tokens {
  return widths.reduce((x, width, i) => {
    const y = net.linear(`${path}.layers.${i}`, x, width);
    return i < widths.length - 1 ? net.activation(y, 'relu') : y;
  }, input);
}

/** Tokens and map attend to each other in turn. Positions are added to queries and keys. */
function twoWayTransformer(
  net: NetworkBuilder,
  image: FeatureMap,
  positions: FeatureMap,
  prompt: Tokens,
  config: MaskDecoderConfig,
): { tokens: Tokens; map: FeatureMap } {
  const { channels, heads, depth, mlpChannels, epsilon } = config;
  const inner = channels / config.attentionDownsample;
  const root = 'mask_decoder.transformer';
  const attend = <T extends FeatureMap | Tokens>(
    path: string,
    query: T,
    key: FeatureMap | Tokens,
    value: FeatureMap | Tokens,
    width: number,
  ): T => {
    const q = net.linear(`${path}.q_proj`, query, width);
    const k = net.linear(`${path}.k_proj`, key, width);
    const v = net.linear(`${path}.v_proj`, value, width);
    return net.linear(`${path}.out_proj`, net.attention(path, q, k, v, heads), channels);
  };
  let [tokens, map] = [prompt, image];
  for (let i = 0; i < depth; i++) {
    const path = `${root}.layers.${i}`;
    const norm = <T extends FeatureMap | Tokens>(index: number, x: T) =>
      net.layerNorm(`${path}.norm${index}`, x, epsilon);
    if (i === 0) tokens = norm(1, attend(`${path}.self_attn`, tokens, tokens, tokens, channels));
    else {
      const placed = net.sum(tokens, prompt);
      tokens = norm(1, net.sum(tokens, attend(`${path}.self_attn`, placed, placed, tokens, channels)));
    }
    const toImage = `${path}.cross_attn_token_to_image`;
    const place = net.sum(map, positions);
    tokens = norm(2, net.sum(tokens, attend(toImage, net.sum(tokens, prompt), place, map, inner)));
    const hidden = net.activation(net.linear(`${path}.mlp.lin1`, tokens, mlpChannels), 'relu');
    tokens = norm(3, net.sum(tokens, net.linear(`${path}.mlp.lin2`, hidden, channels)));
    const toTokens = `${path}.cross_attn_image_to_token`;
    map = norm(4, net.sum(map, attend(toTokens, place, net.sum(tokens, prompt), tokens, inner)));
  }
  const last = `${root}.final_attn_token_to_image`;
  const seen = attend(last, net.sum(tokens, prompt), net.sum(map, positions), map, inner);
  return { tokens: net.layerNorm(`${root}.norm_final_attn`, net.sum(tokens, seen), epsilon), map };
}
