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

type Scaling = Pick<AutoencoderFacts, 'scalingFactor' | 'shiftFactor' | 'statistics'>;

/** What an autoencoder gives, [C, h, w], as latents that the U-Net takes. */
export function toLatents(
  encoded: Float32Array,
  { scalingFactor, shiftFactor, statistics }: Scaling,
): Float32Array {
  if (!statistics) return encoded.map((value) => (value - shiftFactor) * scalingFactor);
  const { mean, deviation } = statistics;
  const positions = encoded.length / mean.length;
  return encoded.map((value, i) => {
    const c = Math.floor(i / positions);
    return ((value - shiftFactor - mean[c]!) * scalingFactor) / deviation[c]!;
  });
}

/** Latents of the U-Net, [C, h, w], as an autoencoder decodes them. */
export function fromLatents(
  latent: Float32Array,
  { scalingFactor, shiftFactor, statistics }: Scaling,
): Float32Array {
  if (!statistics) return latent.map((value) => value / scalingFactor + shiftFactor);
  const { mean, deviation } = statistics;
  const positions = latent.length / mean.length;
  return latent.map((value, i) => {
    const c = Math.floor(i / positions);
    return (value * deviation[c]!) / scalingFactor + mean[c]! + shiftFactor;
  });
}
