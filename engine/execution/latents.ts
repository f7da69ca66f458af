import type { AutoencoderFacts } from '../models/networks.ts';

/** Dimensions of the latents of an image. */
export type LatentDims = readonly [channels: number, height: number, width: number];

/** Latent dimensions of an image or window in pixels, whose sides are multiples of the autoencoder's scale. */
export function latentDims(
  { scale, latentChannels }: AutoencoderFacts,
  { width, height }: { width: number; height: number },
): LatentDims {
  return [latentChannels, height / scale, width / scale];
}

type Scaling = Pick<AutoencoderFacts, 'scalingFactor' | 'shiftFactor' | 'statistics'>;

/** Scales an autoencoder's output [C, h, w] to latents of the denoiser. */
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

/** Scales latents of the denoiser [C, h, w] to the autoencoder's. */
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

/** The planes [C, n] of some of the `size` positions of planes [C, size]. */
export function takePositions(planes: Float32Array, size: number, at: Int32Array): Float32Array {
  const channels = planes.length / size;
  const taken = new Float32Array(channels * at.length);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < at.length; i++) taken[c * at.length + i] = planes[c * size + at[i]!]!;
  return taken;
}

/** Planes [C, size] with some positions replaced by others [C, n]. */
export function putPositions(
  planes: Float32Array,
  others: Float32Array,
  size: number,
  at: Int32Array,
): Float32Array {
  const channels = planes.length / size;
  const all = planes.slice();
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < at.length; i++) all[c * size + at[i]!] = others[c * at.length + i]!;
  return all;
}
