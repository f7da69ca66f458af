import { InputError, quoted } from '../errors.ts';
import type { Network } from '../graph/network.ts';
import { type ClipVisionConfig, clipVision } from '../networks/clip-vision.ts';
import { HEAD_CHANNELS, imageProjection, type ProjectionShape } from '../networks/ip-adapter.ts';
import type { UNetConfig } from '../networks/unet-config.ts';
import type { StoredTensor, WeightSource } from '../weights/source.ts';
import { openTensors } from '../weights/tensor-file.ts';
import { rowsOf } from '../weights/views.ts';
import { imageEncoderBeside, openImageEncoder } from './image-encoder.ts';

/** A network that lets an image see pictures beside its text: an IP-Adapter. */
export interface ReferenceAdapter {
  /** Unique id: the absolute paths of the file and, where it is open, of the image encoder. */
  id: string;
  file: string;
  shape: ProjectionShape;
  /** From the image encoder's output to tokens. */
  projection: Network;
  /** Weights of the projection, and of the attentions as `referencePath` names them. */
  weights: WeightSource;
}

/** An IP-Adapter with its image encoder. */
export interface ReferenceModel extends ReferenceAdapter {
  encoder: { config: ClipVisionConfig; network: Network; weights(): Promise<WeightSource> };
}

/** Parts of the resampler; bounds on what a file may say. */
const MAX_LAYERS = 64;
const MAX_TOKENS = 1024;

/**
 * Opens an IP-Adapter, plain, Plus or Full Face, in the layout of h94/IP-Adapter, where its pictures are encoded
 * elsewhere.
 * @throws InputError for another kind of file
 */
export async function openReferenceAdapter(file: string): Promise<ReferenceAdapter> {
  const source = await openTensors(file);
  const shape = shapeOf(source, file);
  return {
    id: source.file,
    file: source.file,
    shape,
    projection: imageProjection(shape),
    weights: {
      origin: source.origin,
      names: () => source.names(),
      find: (name) => adapterTensor(source, name),
    },
  };
}

/**
 * The same with its image encoder, a CLIPVisionModelWithProjection: a folder, or a file.
 * @throws InputError as `openReferenceAdapter`, and where the encoder is missing or another one
 */
export async function openReferenceModel(file: string, encoderPlace?: string): Promise<ReferenceModel> {
  const adapter = await openReferenceAdapter(file);
  const { shape } = adapter;
  const asked = shape.kind === 'plain' ? shape.embeds : shape.features;
  const given = (config: ClipVisionConfig) =>
    shape.kind === 'plain' ? config.projection_dim : config.hidden_size;
  const { place, config, weights } = await (encoderPlace === undefined
    ? imageEncoderBeside(adapter.weights.origin, (found) => given(found) === asked)
    : openImageEncoder(encoderPlace));
  if (given(config) !== asked)
    throw new InputError(
      `${file} is made for an image encoder with ${asked} numbers, and that in ${place} has ${given(config)}.`,
    );
  return {
    ...adapter,
    id: `${adapter.id} + ${place}`,
    encoder: { config, network: clipVision(config), weights },
  };
}

function shapeOf(source: WeightSource, file: string): ProjectionShape {
  const dims = (name: string, length: number): readonly number[] => {
    const shape = source.find(name)?.shape;
    if (shape?.length !== length)
      throw new InputError(
        `${file}: tensor ${quoted(name)} is missing or has another shape; is it an IP-Adapter?`,
      );
    return shape;
  };
  if (source.find('image_proj.proj.weight')) {
    const [flat, embeds] = dims('image_proj.proj.weight', 2) as [number, number];
    const [channels] = dims('image_proj.norm.weight', 1) as [number];
    const tokens = flat / channels;
    if (!Number.isInteger(tokens) || tokens < 1 || tokens > MAX_TOKENS)
      throw new InputError(`${file}: ${flat} numbers are not tokens of ${channels}; is it an IP-Adapter?`);
    return { kind: 'plain', embeds, tokens, channels };
  }
  if (isFaceId(source))
    throw new InputError(
      `${file} is an IP-Adapter FaceID, which is not supported; IP-Adapter, Plus and Full Face are.`,
    );
  if (source.find('image_proj.proj.3.weight')) {
    const [, features] = dims('image_proj.proj.0.weight', 2) as [number, number];
    const [channels] = dims('image_proj.proj.2.weight', 2) as [number, number];
    return { kind: 'full', features, channels };
  }
  if (!source.find('image_proj.latents'))
    throw new InputError(
      `${file} holds no image projection (image_proj.proj or image_proj.latents); IP-Adapter, Plus and Full Face are supported.`,
    );
  const [, tokens, width] = dims('image_proj.latents', 3) as [number, number, number];
  const [, features] = dims('image_proj.proj_in.weight', 2) as [number, number];
  const [channels] = dims('image_proj.proj_out.weight', 2) as [number, number];
  const [inner] = dims('image_proj.layers.0.0.to_q.weight', 2) as [number, number];
  const [hidden] = dims('image_proj.layers.0.1.1.weight', 2) as [number, number];
  let layers = 0;
  while (layers < MAX_LAYERS && source.find(`image_proj.layers.${layers}.0.to_q.weight`)) layers++;
  if (inner % HEAD_CHANNELS || tokens > MAX_TOKENS)
    throw new InputError(`${file}: its resampler has ${inner} channels for heads of ${HEAD_CHANNELS}.`);
  return { kind: 'plus', features, tokens, width, channels, layers, inner, hidden };
}

/** Whether an adapter reads what another network says of a face: its projection, or LoRA in its attentions. */
function isFaceId(source: WeightSource): boolean {
  const names = [...source.names()];
  return (
    names.some((name) => /^image_proj\.perceiver_resampler\.|_lora\.(?:up|down)\.weight$/.test(name)) ||
    (source.find('image_proj.proj.2.weight') !== undefined &&
      source.find('image_proj.norm.weight') !== undefined)
  );
}

/** The adapter's tensors by the networks' names: there, keys and values are in one matrix. */
function adapterTensor(source: WeightSource, name: string): StoredTensor | undefined {
  const [, n, what] = /^references\.(\d+)\.to_([kv])_ip\.weight$/.exec(name) ?? [];
  if (n !== undefined) return source.find(`ip_adapter.${n}.to_${what}_ip.weight`);
  const [, layer, half] = /^(image_proj\.layers\.\d+\.0)\.to_([kv])\.weight$/.exec(name) ?? [];
  if (layer === undefined) return source.find(name);
  const both = source.find(`${layer}.to_kv.weight`);
  if (both?.shape.length !== 2 || both.shape[0]! % 2) return undefined;
  const rows = both.shape[0]! / 2;
  return { ...rowsOf(both, half === 'v' ? rows : 0, rows), name };
}

/** @throws InputError unless an adapter's tokens and attentions are those of this U-Net */
export function checkReferenceFits({ file, shape, weights }: ReferenceAdapter, base: UNetConfig): void {
  const attentions = [...base.down, ...base.up, ...(base.mid ? [base.mid] : [])]
    .flatMap(({ transformers }) => transformers)
    .reduce((a, b) => a + b, 0);
  const own = [...weights.names()].filter((name) => /^ip_adapter\.\d+\.to_k_ip\.weight$/.test(name)).length;
  const cross = base.down[0]!.crossChannels;
  if (own !== attentions || shape.channels !== cross)
    throw new InputError(
      `${file}: this IP-Adapter is made for another family of models: it has ${own} attentions to ${shape.channels} numbers a token, and the model has ${attentions} to ${cross}.`,
      { setting: 'model' },
    );
}

/** A denoiser's weights with those of an adapter's attentions. */
export function withReferenceWeights(base: WeightSource, { weights }: ReferenceAdapter): WeightSource {
  return {
    origin: base.origin,
    names: () => base.names(),
    find: (name) => (name.startsWith('references.') ? weights.find(name) : base.find(name)),
  };
}
