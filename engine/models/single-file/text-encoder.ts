import type { StoredTensor } from '../../weights/source.ts';
import { rowsOf, type Tensors, transposedOf } from '../../weights/views.ts';
import { countOf, sizeOf } from './counting.ts';

const LAYERS = 'text_model.encoder.layers';

/** Parts of a layer by OpenCLIP's names. */
const PARTS: readonly (readonly [string, string])[] = [
  ['ln_1.', 'layer_norm1.'],
  ['ln_2.', 'layer_norm2.'],
  ['mlp.c_fc.', 'mlp.fc1.'],
  ['mlp.c_proj.', 'mlp.fc2.'],
  ['attn.out_proj.', 'self_attn.out_proj.'],
];

/** Tensors outside of the layers by OpenCLIP's names. */
const OUTER: Readonly<Record<string, string>> = {
  'token_embedding.weight': 'text_model.embeddings.token_embedding.weight',
  positional_embedding: 'text_model.embeddings.position_embedding.weight',
  'ln_final.weight': 'text_model.final_layer_norm.weight',
  'ln_final.bias': 'text_model.final_layer_norm.bias',
};

export function isOpenClip(tensors: Tensors): boolean {
  return tensors.has('positional_embedding') && tensors.has('transformer.resblocks.0.ln_1.weight');
}

export function isClip(tensors: Tensors): boolean {
  return tensors.has(`${LAYERS}.0.layer_norm1.weight`) || tensors.has('encoder.layers.0.layer_norm1.weight');
}

/** CLIP's tensors by the names of transformers; some tools drop the outer name. */
export function fromClip(tensors: Tensors): Map<string, StoredTensor> {
  const bare = tensors.has('encoder.layers.0.layer_norm1.weight');
  const outer = /^(?:embeddings|encoder|final_layer_norm)\./;
  return new Map(
    [...tensors].map(([name, tensor]) => {
      const known = bare && outer.test(name) ? `text_model.${name}` : name;
      return [known, { ...tensor, name: known }];
    }),
  );
}

/**
 * OpenCLIP's tensors by the names of transformers. Its fused projections become three ranges of rows; its projection
 * into the space of images is stored transposed.
 */
export function fromOpenClip(tensors: Tensors): Map<string, StoredTensor> {
  const result = new Map<string, StoredTensor>();
  const add = (name: string, tensor: StoredTensor) => result.set(name, { ...tensor, name });
  for (const [name, tensor] of tensors) {
    if (Object.hasOwn(OUTER, name)) add(OUTER[name]!, tensor);
    else if (name === 'text_projection' && tensor.shape.length === 2)
      add('text_projection.weight', transposedOf(tensor));
    else if (name === 'text_projection.weight') add(name, tensor);
    const [, layer, rest] = /^transformer\.resblocks\.(\d+)\.(.+)$/.exec(name) ?? [];
    if (layer === undefined || rest === undefined) continue;
    const part = PARTS.find(([original]) => rest.startsWith(original));
    if (part) add(`${LAYERS}.${layer}.${part[1]}${rest.slice(part[0].length)}`, tensor);
    const [, kind] = /^attn\.in_proj_(weight|bias)$/.exec(rest) ?? [];
    const rows = (tensor.shape[0] ?? 0) / 3;
    if (kind && rows >= 1 && Number.isInteger(rows))
      for (const [i, which] of ['q', 'k', 'v'].entries())
        add(`${LAYERS}.${layer}.self_attn.${which}_proj.${kind}`, rowsOf(tensor, i * rows, rows));
  }
  return result;
}

/** Channels of a head in every published text encoder of this kind. */
const HEAD_CHANNELS = 64;
/** The width of OpenAI's CLIP, whose activation is an approximate GELU. */
const CLIP_LARGE = 768;

/**
 * The config of a text encoder (transformers' CLIPTextModel) from the names and shapes of its tensors.
 * @param options `act`: OpenAI's CLIP has `quick_gelu`, OpenCLIP `gelu`; by its width if absent. `without`: layers at
 * the end that the model was not trained with. `projects`: it also outputs the text's embedding.
 */
export function textConfigOf(
  tensors: Tensors,
  {
    act,
    without = 0,
    projects = false,
  }: { act?: 'quick_gelu' | 'gelu'; without?: number; projects?: boolean } = {},
): Record<string, unknown> {
  const layers = countOf((i) => tensors.has(`${LAYERS}.${i}.layer_norm1.weight`));
  const width = sizeOf(tensors, 'text_model.embeddings.token_embedding.weight', 1);
  return {
    architectures: [projects ? 'CLIPTextModelWithProjection' : 'CLIPTextModel'],
    hidden_act: act ?? (width <= CLIP_LARGE ? 'quick_gelu' : 'gelu'),
    hidden_size: width,
    intermediate_size: sizeOf(tensors, `${LAYERS}.0.mlp.fc1.weight`, 0),
    num_attention_heads: Math.max(1, Math.round(width / HEAD_CHANNELS)),
    num_hidden_layers: layers - without,
    max_position_embeddings: sizeOf(tensors, 'text_model.embeddings.position_embedding.weight', 0),
    vocab_size: sizeOf(tensors, 'text_model.embeddings.token_embedding.weight', 0),
    ...(projects && { projection_dim: sizeOf(tensors, 'text_projection.weight', 0) }),
  };
}
