import { fs, hubEnvironment, path } from '#host';
import { InputError } from '../../errors.ts';
import type { TensorFile, WeightSource } from '../../weights/source.ts';
import { below, type Tensors } from '../../weights/views.ts';
import { ARCHITECTURES } from '../architectures.ts';
import { hubFolder } from '../installed.ts';
import type { Layout, PlacedNetwork, TokenizerPlace } from '../layout.ts';
import { pipelineNamed } from '../pipelines.ts';
import { countOf, sizeOf } from './counting.ts';
import type { FileParts } from './file-parts.ts';
import { absent, openAutoencoder, openTextEncoders, placedAs } from './placed.ts';

/** Models of the hub that hold what a file of Nitro-E lacks. */
const NITRO_E_PARTS = {
  vae: 'mit-han-lab/dc-ae-f32c32-sana-1.0-diffusers',
  textEncoder: 'meta-llama/Llama-3.2-1B',
} as const;

const PUBLISHED = ARCHITECTURES['nitro-e']!;

const FIRST = 'block_groups.0.0.attn.to_q.weight';
/** Where tools put a transformer. */
const PREFIXES = ['', 'transformer.', 'model.diffusion_model.', 'diffusion_model.', 'model.'];

/** Nitro-E's transformer in a file, by its own names. */
export function nitroEIn(source: WeightSource): Tensors | undefined {
  const prefix = PREFIXES.find((one) => source.find(one + FIRST));
  return prefix === undefined ? undefined : below(source, prefix);
}

/**
 * Its config from the names and shapes of its tensors. The size is not in them: the tables of positions of the models
 * for 512 and for 1024 pixels are the same.
 */
function configOf(tensors: Tensors, large: boolean) {
  const size = (name: string, axis: number) => sizeOf(tensors, `${name}.weight`, axis);
  const headChannels = size('block_groups.0.0.attn.norm_q', 0);
  const groups = countOf((group) => tensors.has(`block_groups.${group}.0.attn.to_q.weight`));
  const layers = Array.from({ length: groups }, (_, group) =>
    countOf((i) => tensors.has(`block_groups.${group}.${i}.attn.to_q.weight`)),
  );
  return {
    _class_name: 'EMMDiTTransformer',
    attention_head_dim: headChannels,
    num_attention_heads: Math.floor(size('block_groups.0.0.attn.to_q', 0) / headChannels),
    num_layers: layers.reduce((a, b) => a + b, 0),
    in_channels: size('pos_embed.proj', 1),
    out_channels: size('proj_out', 0),
    caption_channels: size('context_embedder', 1),
    caption_projection_dim: size('context_embedder', 0),
    pos_embed_max_size: Math.round(Math.sqrt(sizeOf(tensors, 'pos_embed.pos_embed', 1))) || 96,
    sample_size: large ? 32 : 16,
    use_sub_attn: !large,
  };
}

/**
 * A file with Nitro-E's transformer, as AMD publishes it. Its autoencoder and text encoder are named by the user, are
 * beside it, or are installed.
 */
export async function readNitroE(file: TensorFile, tensors: Tensors, said: FileParts): Promise<Layout> {
  const name = path.basename(file.origin).replace(/\.\w+$/, '');
  const large = /1024/.test(name);
  const distilled = /dist/i.test(name);
  const kind = pipelineNamed('EMMDiTPipeline', file.origin);
  const config = configOf(tensors, large);
  const vae = await autoencoderFor(file, config, said);
  const text = await textFor(file, config, said);
  const side = large ? 1024 : 512;
  return {
    place: file.origin,
    id: [file.origin, said.vae, ...(said.textEncoders ?? [])].filter(Boolean).join(' + '),
    name,
    kind,
    zerosForEmpty: false,
    networks: new Map([
      ['transformer', placedAs(tensors, config, file.origin)],
      ['vae', vae.placed],
      ['text_encoder', text.placed],
    ]),
    scheduler: { _class_name: 'FlowMatchEulerDiscreteScheduler', num_train_timesteps: 1000, shift: 1 },
    recommended: { ...kind.recommended, ...(distilled && kind.distilled) },
    tokenizer: () => tokenizerFor(file, text.placed),
    notes: [
      `${path.basename(file.origin)} is taken as ${distilled ? 'the distilled Nitro-E' : 'Nitro-E'} for ${side} pixels, by its name: the weights do not say it.`,
    ],
    missing: [vae.missing, text.missing].flatMap((what) =>
      what ? [`${file.origin} (Nitro-E) ${what}`] : [],
    ),
  };
}

interface Found {
  placed: PlacedNetwork;
  missing?: string;
}

/** Numbers that other parts have to fit. */
type Widths = Pick<ReturnType<typeof configOf>, 'in_channels' | 'caption_channels'>;

async function autoencoderFor(file: TensorFile, widths: Widths, { vae }: FileParts): Promise<Found> {
  // Stands in for what is missing, so that operations can be counted without it.
  const config = { ...PUBLISHED.vae, latent_channels: widths.in_channels };
  const place = vae ?? (await partOf(file, 'vae', NITRO_E_PARTS.vae));
  const { scaling_factor: scale } = PUBLISHED.vae as { scaling_factor: number };
  if (place) return { placed: await openAutoencoder(place, scale) };
  const missing = `has no autoencoder (DC-AE) in it: get ${NITRO_E_PARTS.vae}, or name one with --vae PLACE or the setting patchwork.vae.`;
  return { placed: absent(config, file.origin, missing), missing };
}

async function textFor(file: TensorFile, widths: Widths, { textEncoders = [] }: FileParts): Promise<Found> {
  const beside = await partOf(file, 'text_encoder', NITRO_E_PARTS.textEncoder);
  const places = textEncoders.length > 0 ? textEncoders : beside ? [beside] : [];
  const [found] = await openTextEncoders(places, PUBLISHED.textEncoder);
  if (found) return { placed: found.placed };
  const missing = `has no text encoder (Llama 3.2 1B) in it: get ${NITRO_E_PARTS.textEncoder}, or name it with --text-encoder PLACE or the setting patchwork.textEncoder.`;
  const config = { ...PUBLISHED.textEncoder, hidden_size: widths.caption_channels };
  return { placed: absent(config, file.origin, missing), missing };
}

/** A folder beside the file, else a model of the hub that is installed. */
async function partOf(
  file: TensorFile,
  folder: 'vae' | 'text_encoder',
  id: string,
): Promise<string | undefined> {
  const beside = path.join(path.dirname(file.origin), folder);
  const names = await fs.readdir(beside).catch(() => []);
  // Only text encoders are read from GGUF.
  const isHere = (name: string) => name === 'config.json' || (folder !== 'vae' && /\.gguf$/i.test(name));
  if (names.some(isHere)) return beside;
  return (await hubFolder(id, { cache: hubEnvironment.cache() })) && id;
}

/** In the text encoder's own folder, as in Llama's repository, or a folder `tokenizer` beside it or beside the file. */
async function tokenizerFor(file: TensorFile, text: PlacedNetwork): Promise<TokenizerPlace> {
  const places = [
    text.place,
    path.dirname(text.place),
    path.join(path.dirname(text.place), 'tokenizer'),
    path.join(path.dirname(file.origin), 'tokenizer'),
  ];
  for (const folder of places) if (await fs.exists(path.join(folder, 'tokenizer.json'))) return { folder };
  throw new InputError(
    `${file.origin}: the tokenizer of its text encoder is missing; put tokenizer.json into ${places[0]}.`,
    { setting: 'textEncoder' },
  );
}
