import { InputError, quoted } from '../errors.ts';
import { parseClipTextConfig } from '../networks/clip-text.ts';
import { parseLanguageConfig } from '../networks/language-config.ts';
import { parseUNetConfig } from '../networks/unet-config.ts';
import type { AutoencoderFacts } from './networks.ts';
import type { PipelineKind } from './pipelines.ts';
import { classOf, TRANSFORMER_CLASSES, transformerOf } from './transformers.ts';

/** A part's config and the name of its file. */
interface PartConfig {
  config: unknown;
  origin: string;
}

/**
 * Checks from the configs alone that the parts of a text-to-image model fit each other.
 * @throws InputError that says which do not, and which pipelines have such a denoiser
 */
export function checkFit(
  denoiser: PartConfig,
  autoencoder: AutoencoderFacts,
  textEncoders: readonly PartConfig[],
  { denoiser: folder, inpaints = false }: PipelineKind,
): void {
  if (folder === 'transformer') checkTransformer(denoiser, autoencoder, textEncoders);
  else checkUNet(denoiser, autoencoder, textEncoders, inpaints);
}

function checkTransformer(
  { config, origin }: PartConfig,
  { latentChannels }: AutoencoderFacts,
  [text]: readonly PartConfig[],
): void {
  const transformer = transformerOf(config, origin);
  if (!transformer)
    throw new InputError(
      `${origin}: transformer class ${quoted(classOf(config))} is not supported; supported: ${TRANSFORMER_CLASSES.join(', ')}.`,
    );
  const { takes, gives, text: reads } = transformer;
  if (takes !== latentChannels || gives !== latentChannels)
    throw new InputError(
      `${origin}: the transformer takes ${takes} and gives ${gives} channels, but the autoencoder has ${latentChannels}: they are of different models.`,
    );
  const width = reads.layers * parseLanguageConfig(text!.config, text!.origin).hidden_size;
  if (reads.width !== width)
    throw new InputError(
      `${origin}: ${reads.field} is ${reads.width}, but the text encoder gives ${width} numbers a token: they are of different models.`,
    );
}

function checkUNet(
  unet: PartConfig,
  { latentChannels }: AutoencoderFacts,
  textEncoders: readonly PartConfig[],
  inpaints: boolean,
): void {
  const config = parseUNetConfig(unet.config, unet.origin);
  const { in_channels: takes, out_channels: gives, cross_attention_dim: cross } = config;
  const sample = inpaints && takes !== latentChannels ? 2 * latentChannels + 1 : latentChannels;
  if (takes !== sample)
    throw new InputError(
      `${unet.origin}: the U-Net takes ${takes} channels, but the autoencoder has ${latentChannels}: ${madeFor(takes, latentChannels)}.`,
    );
  if (gives !== latentChannels)
    throw new InputError(
      `${unet.origin}: the U-Net gives ${gives} channels, but the autoencoder has ${latentChannels}: such models are not supported.`,
    );
  const widths = textEncoders.map(({ config, origin }) => parseClipTextConfig(config, origin).hidden_size);
  const width = widths.reduce((sum, size) => sum + size, 0);
  const asked = [cross].flat().find((size) => size !== width);
  if (asked !== undefined)
    throw new InputError(
      `${unet.origin}: cross_attention_dim is ${asked}, but the ${widths.length > 1 ? 'text encoders give' : 'text encoder gives'} ${width} numbers a token: they are of different models.`,
    );
}

/** Says that a model sees no mask though its pipeline or its name is one for inpainting; undefined if neither is. */
export function blendingNote(
  name: string,
  unet: PartConfig,
  { latentChannels }: AutoencoderFacts,
  { denoiser, inpaints }: PipelineKind,
): string | undefined {
  if (denoiser !== 'unet' || !(inpaints || /inpaint/i.test(name))) return undefined;
  const { in_channels: takes } = parseUNetConfig(unet.config, unet.origin);
  return takes === latentChannels
    ? `${name} is named as an inpainting model, but its U-Net takes ${takes} channels instead of ${2 * latentChannels + 1}: it does not see the mask, and edits as a plain model does.`
    : undefined;
}

/** Purpose of a U-Net with extra input channels. */
function madeFor(channels: number, latentChannels: number): string {
  if (channels === 2 * latentChannels)
    return 'it is made for editing by instruction (InstructPix2Pix), which is not supported';
  if (channels === 2 * latentChannels + 1)
    return 'it is made for inpainting, which model_index.json must say: "_class_name": "StableDiffusionInpaintPipeline"';
  return 'they are of different models';
}
