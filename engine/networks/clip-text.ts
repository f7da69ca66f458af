import * as z from 'zod';
import { LIMITS } from '../../shared/limits.ts';
import { InputError } from '../errors.ts';
import { type Network, NetworkBuilder } from '../graph/network.ts';
import { float32, type Tensor } from '../graph/tensor.ts';
import type { Tokens } from '../graph/values.ts';
import { clipLayer } from './clip-layer.ts';
import { channelCount, epsilon, parseConfig, smallCount, supported } from './config.ts';

/** Tokens that CLIP's text encoders take at a time, the first and the last included. */
export const CLIP_TOKENS = 77;

/** Input with the vectors of trained words. */
const VECTORS = 'vectors';

const schema = z.object({
  architectures: z.array(supported(['CLIPTextModel', 'CLIPTextModelWithProjection'])).nullish(),
  hidden_act: supported(['quick_gelu', 'gelu']).default('quick_gelu'),
  hidden_size: channelCount.default(512),
  intermediate_size: channelCount.default(2048),
  layer_norm_eps: epsilon.default(1e-5),
  max_position_embeddings: channelCount.default(CLIP_TOKENS),
  num_attention_heads: smallCount.min(1).default(8),
  num_hidden_layers: smallCount.min(1).default(12),
  projection_dim: channelCount.default(512),
  vocab_size: z.number().int().min(1).max(1_000_000).default(49408),
});

/** `config.json` of transformers' CLIPTextModel or CLIPTextModelWithProjection. */
type ClipTextConfig = z.output<typeof schema>;

export function parseClipTextConfig(json: unknown, origin: string): ClipTextConfig {
  const config = parseConfig(schema, json, origin);
  if (config.hidden_size % config.num_attention_heads)
    throw new InputError(
      `${origin}: ${config.hidden_size} channels cannot be divided among ${config.num_attention_heads} attention heads.`,
    );
  return config;
}

/**
 * CLIP's text transformer (Radford et al. 2021). `input_ids` [B, L] → `last_hidden_state` [B, L, C] and
 * `penultimate` [B, L, C], the state before the last layer without the final norm. With projection also `projected`
 * [B, L, P]: the last states projected into the space that CLIP shares with images. A text's embedding is the row at eos.
 * Ids from the vocabulary's size on stand for rows of `vectors` [n, C], those of trained words. Further outputs are
 * states after fewer layers, see `skippedStates`.
 */
export function clipText(config: ClipTextConfig): Network {
  const net = new NetworkBuilder();
  const { hidden_size: channels, layer_norm_eps: norm } = config;
  const ids = net.inputIds('input_ids');
  const vectors = net.inputVector(VECTORS, channels);
  let x = net.embedding('text_model.embeddings', ids, vectors, {
    size: config.vocab_size,
    places: config.max_position_embeddings,
  });
  const states: Tokens[] = [];
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const path = `text_model.encoder.layers.${i}`;
    if (i === config.num_hidden_layers - 1) net.output('penultimate', x);
    states.push(x);
    x = clipLayer(net, path, x, config, true);
  }
  const last = net.layerNorm('text_model.final_layer_norm', x, norm);
  net.output('last_hidden_state', last);
  net.output(stateName(1, false), x);
  for (const [i, state] of states
    .reverse()
    .slice(0, LIMITS.clipSkip.max - 1)
    .entries()) {
    net.output(stateName(i + 2, false), state);
    net.output(stateName(i + 2, true), net.layerNorm('text_model.final_layer_norm', state, norm));
  }
  if (config.architectures?.includes('CLIPTextModelWithProjection'))
    net.output('projected', net.linear('text_projection', last, config.projection_dim, { bias: false }));
  return net.build('text-encoder');
}

/** A text encoder's inputs: ids, and the vectors of trained words that ids from the vocabulary's size on stand for. */
export function textInputs(
  network: Network,
  ids: Tensor,
  vectors: readonly Float32Array[] = [],
): Record<string, Tensor> {
  const width = textWidth(network);
  const rows = new Float32Array(Math.max(1, vectors.length) * width);
  for (const [i, vector] of vectors.entries()) rows.set(vector, i * width);
  return { input_ids: ids, [VECTORS]: float32(rows, [rows.length / width, width]) };
}

/** Numbers of each token. */
export function textWidth(network: Network): number {
  const vectors = network.inputs.get(VECTORS);
  if (vectors?.kind !== 'vector') throw new Error(`${network.name} is not a text encoder`);
  return vectors.channels;
}

/**
 * The output whose states a denoiser reads. `skip`: layers from the last, 1 the last one; if absent what its models
 * are trained with. `raw`: without the final norm, as with SDXL, whose models read the layer before the last.
 * @throws InputError if there are fewer layers
 */
export function skippedStates(network: Network, skip: number | undefined, raw: boolean): string {
  if (skip === undefined) return raw ? 'penultimate' : 'last_hidden_state';
  const name = skip === 1 && !raw ? 'last_hidden_state' : stateName(skip, !raw);
  if (!network.outputs.has(name))
    throw new InputError(`The text encoder has no ${skip} layers to skip to; use a smaller clip skip.`, {
      setting: 'clipSkip',
    });
  return name;
}

/** States after all but the last `skip` − 1 layers. */
function stateName(skip: number, isNormed: boolean): string {
  return `${isNormed ? 'normed' : 'state'}.${skip}`;
}
