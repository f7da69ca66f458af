import { fs, hubEnvironment, path } from '#host';
import { InputError } from '../../errors.ts';
import { isRepositoryId } from '../../hub/repository-id.ts';
import { readOptionalJson } from '../../json.ts';
import { NETWORK_FOLDERS } from '../../weights/diffusers.ts';
import { dequantized } from '../../weights/gguf/dequantized.ts';
import type { StoredTensor, WeightsOptions } from '../../weights/source.ts';
import { openTensors } from '../../weights/tensor-file.ts';
import { sourceOf } from '../../weights/views.ts';
import { hubFolder } from '../installed.ts';
import { type PlacedNetwork, placedIn } from '../layout.ts';
import { autoencoderConfigOf } from './autoencoder.ts';
import { languageModelIn } from './language-model.ts';
import { autoencoderOf, sectionsOf, type TextSection } from './sections.ts';
import { textConfigOf } from './text-encoder.ts';
import { tinyDecoderConfigOf, tinyDecoderIn } from './tiny-decoder.ts';

/** A network of a file. */
export function placedAs(
  tensors: ReadonlyMap<string, StoredTensor>,
  config: unknown,
  origin: string,
): PlacedNetwork {
  const weights = (options?: WeightsOptions) => dequantized(sourceOf(tensors, origin), options);
  return { config, origin, place: origin, weights };
}

/** A network's place that another file has to fill. */
export function absent(config: unknown, origin: string, missing: string): PlacedNetwork {
  const weights = async () => {
    throw new InputError(`${origin} ${missing}`);
  };
  return { config, origin, place: origin, weights };
}

/**
 * An autoencoder or a tiny decoder that a user names: a file, a folder of one, or a model that has one (a folder, or a
 * name of the hub that is on this machine).
 * @throws InputError if there is none, or it cannot be read
 */
export async function openAutoencoder(name: string, scalingFactor: number): Promise<PlacedNetwork> {
  const place = await existing(name, 'vae');
  if ((await fs.stat(place)).isDirectory()) {
    const inside = path.join(place, 'vae');
    return placedIn((await fs.exists(inside)) ? inside : place, NETWORK_FOLDERS.vae);
  }
  const file = await openTensors(place);
  const tiny = tinyDecoderIn(file);
  if (tiny)
    return { ...placedAs(tiny, tinyDecoderConfigOf(tiny, scalingFactor), file.origin), decodesOnly: true };
  const tensors = autoencoderOf(file);
  if (!tensors) throw new InputError(`${file.origin} holds no autoencoder (VAE).`, { setting: 'vae' });
  return placedAs(tensors, autoencoderConfigOf(tensors, scalingFactor), file.origin);
}

/** A text encoder, with its place among several. */
export interface NamedText {
  width: number;
  placed: PlacedNetwork;
}

/**
 * The text encoders that a user names: files, folders, or models that have them.
 * @param known the config of the encoder whose place they take, which says what a language model's file does not
 * @throws InputError as `openAutoencoder`
 */
export async function openTextEncoders(names: readonly string[], known?: unknown): Promise<NamedText[]> {
  const found = await Promise.all(
    names.map(async (name) => textEncodersAt(await existing(name, 'textEncoder'), known)),
  );
  return found.flat();
}

async function textEncodersAt(place: string, known: unknown): Promise<NamedText[]> {
  if (!(await fs.stat(place)).isDirectory()) return textEncodersIn(place, known);
  const inside = ['text_encoder', 'text_encoder_2'].map((folder) => path.join(place, folder));
  const folders: string[] = [];
  for (const folder of inside) if (await fs.exists(folder)) folders.push(folder);
  const placed = (folders.length > 0 ? folders : [place]).map(textEncoderInFolder);
  return (await Promise.all(placed)).map((one) => ({ width: widthOf(one.config), placed: one }));
}

/** The text encoders in a file. */
async function textEncodersIn(place: string, known: unknown): Promise<NamedText[]> {
  const file = await openTensors(place);
  const { texts } = sectionsOf(file);
  const found = texts.map((text) => {
    const config = textConfigFor(text, text.tensors.has('text_projection.weight'));
    return { width: widthOf(config), placed: placedAs(text.tensors, config, file.origin) };
  });
  if (found.length > 0) return found;
  const language = await languageModelIn(file, known);
  if (!language) throw new InputError(`${file.origin} holds no text encoder.`, { setting: 'textEncoder' });
  const { tensors, config } = language;
  return [{ width: widthOf(config), placed: placedAs(tensors, config, file.origin) }];
}

/**
 * The text encoder of a model's folder: `config.json` and its weights, or a GGUF file alone or beside the config.
 * @throws InputError if there is none
 */
export async function textEncoderInFolder(folder: string): Promise<PlacedNetwork> {
  const stem = NETWORK_FOLDERS.text_encoder;
  const names = await fs.readdir(folder).catch(() => []);
  const [gguf, ...others] = names.filter((name) => /\.gguf$/i.test(name));
  if (gguf === undefined || names.some((name) => name.startsWith(stem) && !/\.gguf$/i.test(name)))
    return placedIn(folder, stem);
  if (others.length > 0)
    throw new InputError(
      `${folder} has several GGUF files: ${[gguf, ...others].slice(0, 8).join(', ')}; leave one, or name it with --text-encoder FILE or the setting patchwork.textEncoder.`,
      { setting: 'textEncoder' },
    );
  const known = await readOptionalJson(path.join(folder, 'config.json'));
  const [found] = await textEncodersIn(path.join(folder, gguf), known);
  return found!.placed;
}

/**
 * A text encoder as a model's place takes it. SDXL's second encoder gives the embedding of the whole text, too; a first
 * one that could does not. Layers after those that the model was trained with are left out, as the last of OpenCLIP in
 * Stable Diffusion 2.
 * @param trained the config of the encoder whose place it takes
 */
export function forPlace({ placed, width }: NamedText, folder: string, trained?: unknown): PlacedNetwork {
  const config = { ...(placed.config as { architectures?: unknown; num_hidden_layers?: unknown }) };
  if (folder === 'text_encoder' && String(config.architectures) === 'CLIPTextModelWithProjection')
    config.architectures = ['CLIPTextModel'];
  const { num_hidden_layers: layers } = (trained ?? {}) as { num_hidden_layers?: unknown };
  const fits = trained !== undefined && widthOf(trained) === width;
  if (fits && Number(config.num_hidden_layers) > Number(layers)) config.num_hidden_layers = layers;
  return { ...placed, config };
}

/** The config of a text encoder in a file. @param projects it also outputs the text's embedding */
export function textConfigFor({ style, tensors }: TextSection, projects: boolean, without = 0) {
  return textConfigOf(tensors, { ...(style === 'open' && { act: 'gelu' as const }), without, projects });
}

export function widthOf(config: unknown): number {
  const width = (config as { hidden_size?: unknown } | null)?.hidden_size;
  return typeof width === 'number' ? width : 0;
}

async function existing(name: string, setting: string): Promise<string> {
  if (await fs.exists(name)) return path.resolve(name);
  const here = isRepositoryId(name.split('@')[0]!)
    ? await hubFolder(name, { cache: hubEnvironment.cache() })
    : undefined;
  if (here) return here.folder;
  throw new InputError(
    `${name} is neither a file or folder, nor a Hugging Face name (owner/name) that is installed.`,
    {
      setting,
    },
  );
}

/** Whether a place that a user names is a file with a tiny decoder alone. */
export async function isTinyDecoder(name: string): Promise<boolean> {
  const isFile = (await fs.stat(name).catch(() => undefined))?.isFile() ?? false;
  return isFile && tinyDecoderIn(await openTensors(name)) !== undefined;
}
