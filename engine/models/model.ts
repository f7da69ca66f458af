import type { Network } from '../graph/network.ts';
import type { WeightSource, WeightsOptions } from '../weights/source.ts';
import type { AutoencoderFacts, Part } from './parts.ts';

/** What a model asks for where the user does not say. */
export interface GenerationDefaults {
  steps: number;
  guidance: number;
  width: number;
  height: number;
  /** What an inpainting model calls the surroundings of what is removed; the empty prompt if absent. */
  removalPrompt?: string;
}

/** A diffusion model: its networks and where their weights lie. A folder of a checkpoint, or an architecture. */
export interface Model {
  /** For the user: the folder's or the architecture's name. */
  readonly name: string;
  /** Tells models apart: the folder's absolute path, or `arch:<name>`. */
  readonly id: string;
  readonly autoencoder: AutoencoderFacts;
  readonly defaults: GenerationDefaults;
  network(part: Part): Network;
  weights(part: Part, options?: WeightsOptions): Promise<WeightSource>;
}

/** Default size of a model's pictures: its training size, from the U-Net's config. */
export function defaultsOf(
  unetConfig: unknown,
  scale: number,
  recommended: Partial<GenerationDefaults> = {},
) {
  const latent = (unetConfig as { sample_size?: unknown } | null)?.sample_size;
  // One number, or height and width.
  const [height, width = height] = Array.isArray(latent) ? latent : [latent];
  const side = (size: unknown) =>
    typeof size === 'number' && Number.isInteger(size) && size >= 8 && size <= 256 ? size * scale : 512;
  return { steps: 25, guidance: 7.5, width: side(width), height: side(height), ...recommended };
}
