import type { EncodedPicture } from '../../shared/api.ts';
import type { LatentDims } from '../execution/latents.ts';
import type { AutoencoderFacts } from '../models/networks.ts';
import { encodePng } from '../pictures/png.ts';

/** Shortest time between two previews. */
const INTERVAL_MS = 250;

/** The next preview waits at least this many times the duration of the last one. */
const SHARE = 6;

/** Previews during generation, as often as their cost allows. */
export class Previews<T> {
  readonly #show: (latent: Float32Array) => Promise<T | undefined>;
  #next = performance.now() + INTERVAL_MS;

  constructor(show: (latent: Float32Array) => Promise<T | undefined>) {
    this.#show = show;
  }

  /** The next one, if it is time. */
  async next(latent: () => Float32Array): Promise<T | undefined> {
    const begun = performance.now();
    if (begun < this.#next) return undefined;
    const preview = await this.#show(latent());
    this.#next = begun + Math.max(INTERVAL_MS, SHARE * (performance.now() - begun));
    return preview;
  }
}

/**
 * Linear maps from a latent position to a colour in [−1, 1], fitted by the community to the two published
 * autoencoders, which are distinguished by their scaling factor. One row a latent channel: red, green, blue.
 */
const LATENT_COLOURS: ReadonlyMap<number, readonly (readonly [number, number, number])[]> = new Map([
  [
    0.18215,
    [
      [0.3512, 0.2297, 0.3227],
      [0.325, 0.4974, 0.235],
      [-0.2829, 0.1762, 0.2721],
      [-0.212, -0.2616, -0.7177],
    ],
  ],
  [
    0.13025,
    [
      [0.392, 0.4054, 0.4549],
      [-0.2634, -0.0196, 0.0653],
      [0.0568, 0.1687, -0.0755],
      [-0.3112, -0.2359, -0.2076],
    ],
  ],
]);

/** A small image directly from latents [4, h, w]; undefined for an autoencoder without known colours. */
export async function latentPreview(
  latent: Float32Array,
  dims: LatentDims,
  { scalingFactor, statistics }: Pick<AutoencoderFacts, 'scalingFactor' | 'statistics'>,
): Promise<EncodedPicture | undefined> {
  const colours = statistics ? undefined : LATENT_COLOURS.get(scalingFactor);
  const [channels, height, width] = dims;
  if (channels !== colours?.length) return undefined;
  const positions = height * width;
  const planes = new Float32Array(3 * positions);
  for (const [c, weights] of colours.entries())
    for (const [plane, weight] of weights.entries())
      for (let i = 0; i < positions; i++)
        planes[plane * positions + i]! += weight * latent[c * positions + i]!;
  return { png: await encodePng(planes, width, height), width, height };
}
