import { fs, modelsFolder, path } from '#host';
import { InputError } from '../../errors.ts';
import type { NetworkFolder } from '../../weights/diffusers.ts';
import type { TensorFile } from '../../weights/source.ts';
import { openTensors } from '../../weights/tensor-file.ts';
import type { Layout, PlacedNetwork, TokenizerPlace } from '../layout.ts';
import { pipelineNamed } from '../pipelines.ts';
import { autoencoderConfigOf } from './autoencoder.ts';
import {
  familyOf,
  predictionIn,
  recommendedBy,
  refuseRelatives,
  SD_FAMILIES,
  type SdFamily,
  schedulerOf,
} from './family.ts';
import type { FileParts } from './file-parts.ts';
import { otherKind } from './kind.ts';
import { neighbouringAutoencoder } from './neighbours.ts';
import { nitroEIn, readNitroE } from './nitro-e.ts';
import {
  absent,
  forPlace,
  type NamedText,
  openAutoencoder,
  openTextEncoders,
  placedAs,
  textConfigFor,
  widthOf,
} from './placed.ts';
import { averagedUNet, type Sections, sectionsOf } from './sections.ts';
import { type UNetFacts, unetConfigOf } from './unet.ts';

/** Channels of latents, of every published model of the families. */
const LATENT_CHANNELS = 4;

/**
 * Reads a checkpoint in one file, as tools for Stable Diffusion 1, 2 and XL write it, or Nitro-E's transformer: which
 * networks it holds, and their configs, from the names and shapes of its tensors. Weights stay in the file.
 * @throws InputError for another kind of file, which it names
 */
export async function readSingleFile(place: string, said: FileParts = {}): Promise<Layout> {
  const file = await openTensors(place);
  const nitroE = nitroEIn(file);
  if (nitroE) return readNitroE(file, nitroE, said);
  const sections = sectionsOf(file);
  if (!sections.unet)
    throw new InputError(`${file.origin} is ${otherKind(file, sections)}.`, { setting: 'model' });
  const unet = said.averaged ? averagedUNet(file) : sections.unet;
  if (!unet) throw new InputError(`${file.origin} has no averaged weights (model_ema).`);
  const { config, facts } = unetConfigOf(unet, file.origin);
  const family = familyOf(facts);
  refuseRelatives(file, family);
  const { title } = SD_FAMILIES[family];
  const name = path.basename(file.origin).replace(/\.\w+$/, '');
  const { distilled, ...recommended } = recommendedBy(
    `${name} ${file.metadata['modelspec.title'] ?? ''}`,
    family,
  );
  const stated = predictionIn(file);
  const known = stated.prediction ?? said.prediction;
  const prediction = known ?? (family === 'sd2' ? 'v_prediction' : 'epsilon');
  const sampleSize = family === 'sd2' && prediction === 'v_prediction' ? 96 : SD_FAMILIES[family].sampleSize;
  const autoencoder = await autoencoderFor(file, sections, family, said);
  const texts = await textsFor(file, sections, family, facts, said);
  const networks = new Map<NetworkFolder, PlacedNetwork>([
    ['unet', placedAs(unet, { ...config, sample_size: sampleSize }, file.origin)],
    ['vae', autoencoder.placed],
    ...texts.placed,
  ]);
  const turbo = distilled
    ? [
        `${name} is named as a distilled model, so its default is ${recommended.steps} steps without guidance.`,
      ]
    : [];
  return {
    place: file.origin,
    id: [file.origin, said.vae, ...(said.textEncoders ?? []), said.prediction].filter(Boolean).join(' + '),
    name,
    kind: pipelineNamed(pipelineOf(family, facts), file.origin),
    zerosForEmpty: true,
    networks,
    scheduler: schedulerOf(family, prediction, { zeroTerminal: stated.zeroTerminal, distilled }),
    recommended,
    tokenizer: (folder) => tokenizerFor(file, networks.get(folder), folder),
    notes: [...autoencoder.notes, ...turbo],
    missing: [autoencoder.missing, texts.missing].flatMap((what) =>
      what ? [`${file.origin} (${title}) ${what}`] : [],
    ),
    unsure: known === undefined && family === 'sd2',
  };
}

function pipelineOf(family: SdFamily, { inChannels }: UNetFacts): string {
  const inpaints = inChannels === 2 * LATENT_CHANNELS + 1 ? 'Inpaint' : '';
  return `StableDiffusion${family === 'sdxl' ? 'XL' : ''}${inpaints}Pipeline`;
}

async function autoencoderFor(
  file: TensorFile,
  { autoencoder }: Sections,
  family: SdFamily,
  { vae }: FileParts,
) {
  const { scalingFactor, autoencoders } = SD_FAMILIES[family];
  if (vae) return { placed: await openAutoencoder(vae, scalingFactor), notes: [] };
  if (autoencoder)
    return {
      placed: placedAs(autoencoder, autoencoderConfigOf(autoencoder, scalingFactor), file.origin),
      notes: [],
    };
  const { chosen, seen } = await neighbouringAutoencoder(file.origin, autoencoders);
  if (chosen) {
    const notes = [`${path.basename(file.origin)} has no autoencoder; ${chosen} is used.`];
    return { placed: await openAutoencoder(chosen, scalingFactor), notes };
  }
  const choice = seen.length > 0 ? ` One of these may fit: ${seen.slice(0, 8).join(', ')}.` : '';
  const missing = `has no autoencoder (VAE) in it: name one with --vae FILE or the setting patchwork.vae.${choice}`;
  // All of the families have this one, so operations can be counted without it.
  const config = {
    _class_name: 'AutoencoderKL',
    block_out_channels: [128, 256, 512, 512],
    layers_per_block: 2,
    latent_channels: LATENT_CHANNELS,
    scaling_factor: scalingFactor,
  };
  return { placed: absent(config, file.origin, missing), notes: [], missing };
}

/** The text encoders, by their folders in diffusers, in the order in which the U-Net takes their states. */
async function textsFor(
  file: TensorFile,
  { texts }: Sections,
  family: SdFamily,
  facts: UNetFacts,
  { textEncoders = [] }: FileParts,
): Promise<{ placed: [NetworkFolder, PlacedNetwork][]; missing?: string }> {
  const folders =
    family === 'sdxl' ? (['text_encoder', 'text_encoder_2'] as const) : (['text_encoder'] as const);
  const own = texts.map((text): NamedText => {
    const last =
      text.prefix.includes('embedders.1.') ||
      text.prefix.includes('clip_g') ||
      text.prefix === 'text_encoder_2.';
    // Stable Diffusion 2 was trained on the states before OpenCLIP's last layer.
    const without = family === 'sd2' && text.style === 'open' ? 1 : 0;
    const config = textConfigFor(text, family === 'sdxl' && last, without);
    return { width: widthOf(config), placed: placedAs(text.tensors, config, file.origin) };
  });
  const named = await openTextEncoders(textEncoders);
  const found = named.length > 0 ? named.sort((a, b) => a.width - b.width) : own;
  if (found.length >= folders.length)
    return {
      placed: folders.map((folder, i) => [
        folder,
        forPlace(found[i]!, folder, standIn(folder, facts, family)),
      ]),
    };
  const what = folders.length > 1 ? 'two text encoders, CLIP and OpenCLIP,' : 'a text encoder (CLIP)';
  const { example } = SD_FAMILIES[family];
  const missing = `needs ${what} and ${found.length === 0 ? 'has none' : 'has one'} in it: name them with --text-encoder PLACE or the setting patchwork.textEncoder, a file, a folder, or an installed model as ${example}.`;
  return {
    placed: folders.map((folder) => [folder, absent(standIn(folder, facts, family), file.origin, missing)]),
    missing,
  };
}

/** A config that fits the U-Net, for uses without weights. */
function standIn(folder: string, { crossChannels, addedChannels }: UNetFacts, family: SdFamily): object {
  const second = folder === 'text_encoder_2';
  const width = family === 'sdxl' ? (second ? addedChannels : crossChannels - addedChannels) : crossChannels;
  return {
    architectures: [second ? 'CLIPTextModelWithProjection' : 'CLIPTextModel'],
    hidden_act: family === 'sd1' || (family === 'sdxl' && !second) ? 'quick_gelu' : 'gelu',
    hidden_size: width,
    intermediate_size: 4 * width,
    num_attention_heads: Math.max(1, Math.round(width / 64)),
    num_hidden_layers: family === 'sd2' ? 23 : second ? 32 : 12,
    projection_dim: addedChannels || width,
    vocab_size: CLIP_VOCABULARY,
  };
}

/** Tokens of CLIP's vocabulary, which all published models of the families have. */
const CLIP_VOCABULARY = 49408;

/**
 * The tokenizer of a text encoder: CLIP's, which comes with Patchwork, or one beside the file for another vocabulary.
 */
async function tokenizerFor(
  file: TensorFile,
  placed: PlacedNetwork | undefined,
  folder: 'text_encoder' | 'text_encoder_2',
): Promise<TokenizerPlace> {
  const config = placed?.config as { vocab_size?: number; hidden_act?: string } | undefined;
  if (config?.vocab_size === CLIP_VOCABULARY) {
    const own = path.join(path.dirname(modelsFolder()), 'tokenizers', 'clip');
    // OpenCLIP pads with the token 0.
    return { folder: own, ...(config.hidden_act === 'gelu' && { pad: '!' }) };
  }
  const beside = path.join(path.dirname(file.origin), folder.replace('text_encoder', 'tokenizer'));
  if (await fs.exists(beside)) return { folder: beside };
  throw new InputError(
    `${file.origin}: its text encoder knows ${config?.vocab_size} tokens, which are not CLIP's ${CLIP_VOCABULARY}; put its tokenizer into the folder ${beside}.`,
    { setting: 'model' },
  );
}

/** Whether there is a file at a path, not a folder. */
export async function isFile(place: string): Promise<boolean> {
  return (await fs.stat(place).catch(() => undefined))?.isFile() ?? false;
}
