/** CLIP's image encoder, as IP-Adapters need it: a folder of transformers, or one file. */
import { fs, path } from '#host';
import { InputError } from '../errors.ts';
import { readJson } from '../json.ts';
import { type ClipVisionConfig, parseClipVisionConfig } from '../networks/clip-vision.ts';
import { openWeights } from '../weights/folder.ts';
import type { WeightSource } from '../weights/source.ts';
import { openTensors, TENSOR_FILE } from '../weights/tensor-file.ts';
import { below } from '../weights/views.ts';
import { countOf, sizeOf } from './single-file/counting.ts';

/** An image encoder: its config, and its weights by transformers' names. */
interface ImageEncoder {
  place: string;
  config: ClipVisionConfig;
  weights(): Promise<WeightSource>;
}

/** Where the encoder's folder is beside an adapter's file, in the layout of h94/IP-Adapter and elsewhere. */
const FOLDERS = [
  'image_encoder',
  '../image_encoder',
  '../models/image_encoder',
  '../sdxl_models/image_encoder',
];
/** Where ComfyUI keeps encoders as files. */
const FILES = ['../clip_vision', '../../clip_vision', 'clip_vision'];

/** Heads and activation of the published encoders, by their channels; tensors do not show them. */
const PUBLISHED: ReadonlyMap<number, { num_attention_heads: number; hidden_act: 'gelu' | 'quick_gelu' }> =
  new Map([
    [768, { num_attention_heads: 12, hidden_act: 'quick_gelu' }],
    [1024, { num_attention_heads: 16, hidden_act: 'quick_gelu' }],
    [1280, { num_attention_heads: 16, hidden_act: 'gelu' }],
    [1664, { num_attention_heads: 16, hidden_act: 'gelu' }],
  ]);

/** A folder with config.json and model.safetensors, or a file. @throws InputError for anything else */
export async function openImageEncoder(place: string): Promise<ImageEncoder> {
  const isFile = (await fs.stat(place).catch(() => undefined))?.isFile() === true;
  if (isFile) return inFile(path.resolve(place));
  const origin = path.join(place, 'config.json');
  const config = parseClipVisionConfig(await readJson(origin), origin);
  return {
    place: path.resolve(place),
    config,
    weights: async () => flattened(await openWeights(place, 'model')),
  };
}

/** The encoder beside an adapter's file: a folder, or of ComfyUI's files the first that `fits`. */
export async function imageEncoderBeside(
  file: string,
  fits: (config: ClipVisionConfig) => boolean,
): Promise<ImageEncoder> {
  const beside = (name: string) => path.join(path.dirname(file), name);
  for (const name of FOLDERS)
    if (await fs.exists(path.join(beside(name), 'config.json'))) return openImageEncoder(beside(name));
  for (const folder of FILES.map(beside))
    for (const name of (await fs.readdir(folder).catch(() => [])).sort()) {
      if (!TENSOR_FILE.test(name)) continue;
      const encoder = await openImageEncoder(path.join(folder, name)).catch(() => undefined);
      if (encoder && fits(encoder.config)) return encoder;
    }
  throw new InputError(
    `${file} needs its image encoder, which is not beside it: a folder image_encoder with config.json and model.safetensors, or a file in a folder clip_vision.`,
  );
}

/**
 * An encoder in one file. What its tensors do not show comes from a config.json beside it, or is known of published
 * ones.
 */
async function inFile(file: string): Promise<ImageEncoder> {
  const source = await openTensors(file);
  const sizes = configOf(source, file);
  const channels = Number(sizes.hidden_size);
  const usual = { num_attention_heads: Math.max(1, channels / 64), hidden_act: 'gelu' };
  const config = { ...sizes, ...((await toldBeside(file)) ?? PUBLISHED.get(channels) ?? usual) };
  return { place: file, config: parseClipVisionConfig(config, file), weights: async () => flattened(source) };
}

async function toldBeside(file: string): Promise<object | undefined> {
  const origin = path.join(path.dirname(file), 'config.json');
  if (!(await fs.exists(origin))) return undefined;
  const json = await readJson(origin);
  if (typeof json !== 'object' || json === null) return undefined;
  const { num_attention_heads, hidden_act, layer_norm_eps } = json as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries({ num_attention_heads, hidden_act, layer_norm_eps }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

/** The sizes of an encoder, by the shapes of its tensors. @throws InputError for another kind of file */
function configOf(source: WeightSource, file: string): Record<string, unknown> {
  const tensors = below(source, '');
  const model = 'vision_model';
  const patches = source.find(`${model}.embeddings.patch_embedding.weight`)?.shape;
  const places = sizeOf(tensors, `${model}.embeddings.position_embedding.weight`, 0);
  const projection = sizeOf(tensors, 'visual_projection.weight', 0);
  if (patches?.length !== 4 || projection === 0)
    throw new InputError(
      source.find('visual.proj') || source.find('visual.conv1.weight')
        ? `${file} is an image encoder by the names of OpenCLIP; use one by those of transformers (vision_model…), as in h94/IP-Adapter.`
        : `${file} is no image encoder of CLIP (vision_model.embeddings… with a visual_projection).`,
    );
  const [channels = 0, , side = 0] = patches;
  const across = Math.round(Math.sqrt(places - 1));
  const layer = (i: number) => `${model}.encoder.layers.${i}`;
  return {
    hidden_size: channels,
    patch_size: side,
    image_size: side * across,
    projection_dim: projection,
    num_hidden_layers: countOf((i) => tensors.has(`${layer(i)}.self_attn.q_proj.weight`)),
    intermediate_size: sizeOf(tensors, `${layer(0)}.mlp.fc1.weight`, 0),
  };
}

/** The patches' convolution as the matrix that it is. */
function flattened(source: WeightSource): WeightSource {
  const find = (name: string) => {
    const tensor = source.find(name);
    if (!tensor || !name.endsWith('patch_embedding.weight')) return tensor;
    const [out = 0, ...rest] = tensor.shape;
    return { ...tensor, shape: [out, rest.reduce((a, b) => a * b, 1)] };
  };
  return { origin: source.origin, names: () => source.names(), find };
}
