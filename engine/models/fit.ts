import { InputError } from '../errors.ts';
import { parseClipTextConfig } from '../networks/clip-text.ts';
import { parseUNetConfig } from '../networks/unet-config.ts';
import type { AutoencoderFacts } from './parts.ts';

/** A part's config and the name of its file. */
interface PartConfig {
  config: unknown;
  origin: string;
}

/**
 * Whether the parts of a text-to-image model fit each other, which their configs tell before any weights are read.
 * @param inpaints the pipeline's name says that the U-Net sees a mask; one that does not is used by blending
 * @throws InputError that says which do not, and of which pipelines such a U-Net is
 */
export function checkFit(
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

/** What a U-Net is for that takes more than latents. */
function madeFor(channels: number, latentChannels: number): string {
  if (channels === 2 * latentChannels)
    return 'it is made for editing by instruction (InstructPix2Pix), which is not supported';
  if (channels === 2 * latentChannels + 1)
    return 'it is made for inpainting, which model_index.json must say: "_class_name": "StableDiffusionInpaintPipeline"';
  return 'they are of different models';
}
