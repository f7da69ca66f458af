import type { AutoencoderFacts } from '../models/parts.ts';

/** Of the latents of one picture. */
export type LatentDims = readonly [channels: number, height: number, width: number];

/** Of a picture or window in pixels, whose sides are multiples of the autoencoder's scale. */
export function latentDims(
  { scale, latentChannels }: AutoencoderFacts,
  { width, height }: { width: number; height: number },
): LatentDims {
  return [latentChannels, height / scale, width / scale];
}

type Scaling = Pick<AutoencoderFacts, 'scalingFactor' | 'shiftFactor'>;

/** What an autoencoder gives, as latents that the U-Net takes. */
export function toLatents(encoded: Float32Array, { scalingFactor, shiftFactor }: Scaling): Float32Array {
  return encoded.map((value) => (value - shiftFactor) * scalingFactor);
}

/** Latents of the U-Net as an autoencoder decodes them. */
export function fromLatents(latent: Float32Array, { scalingFactor, shiftFactor }: Scaling): Float32Array {
  return latent.map((value) => value / scalingFactor + shiftFactor);
}
