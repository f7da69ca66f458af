import { InputError, quoted } from '../errors.ts';
import type { Network } from '../graph/network.ts';
import {
  type AutoencoderKlConfig,
  autoencoderKlDecoder,
  autoencoderKlEncoder,
  parseAutoencoderKlConfig,
} from '../networks/autoencoder-kl.ts';
import {
  autoencoderTinyDecoder,
  autoencoderTinyEncoder,
  parseAutoencoderTinyConfig,
} from '../networks/autoencoder-tiny.ts';
import { clipText, parseClipTextConfig } from '../networks/clip-text.ts';
import { unet } from '../networks/unet.ts';
import { parseUNetConfig } from '../networks/unet-config.ts';
import { NETWORK_FOLDERS, type NetworkFolder } from '../weights/diffusers.ts';

/** The networks of a diffusion pipeline. */
export const PARTS = ['denoiser', 'vae-decoder', 'vae-encoder', 'text-encoder', 'text-encoder-2'] as const;
export type Part = (typeof PARTS)[number];

/** Folder and file stem of each part in the diffusers layout. */
export const PLACES: Record<Part, { folder: NetworkFolder; stem: string }> = {
  denoiser: place('unet'),
  'vae-decoder': place('vae'),
  'vae-encoder': place('vae'),
  'text-encoder': place('text_encoder'),
  'text-encoder-2': place('text_encoder_2'),
};

function place<Folder extends NetworkFolder>(folder: Folder) {
  return { folder, stem: NETWORK_FOLDERS[folder] };
}

/** Networks by part, each built when it is first asked for: building checks a config, which takes milliseconds. */
export class Networks {
  readonly #build: (part: Part) => Network;
  readonly #built = new Map<Part, Network>();

  constructor(build: (part: Part) => Network) {
    this.#build = build;
  }

  get(part: Part): Network {
    const network = this.#built.get(part) ?? this.#build(part);
    this.#built.set(part, network);
    return network;
  }
}

/** What the pipelines need to know of an autoencoder beside its networks. */
export interface AutoencoderFacts {
  kind: 'kl' | 'tiny';
  latentChannels: number;
  /** Latents of the denoiser are latents of the autoencoder times this. */
  scalingFactor: number;
  shiftFactor: number;
  /** Of each latent channel, before the factors; none where latents are not normalized. */
  statistics?: { mean: readonly number[]; deviation: readonly number[] };
  /** Pixels for each latent position, along one side. */
  scale: number;
}

/** Builds a part's network from its config; `origin` names the config in errors. */
export function networkOf(part: Part, config: unknown, origin: string): Network {
  switch (part) {
    case 'denoiser':
      return unet(parseUNetConfig(config, origin));
    case 'text-encoder':
    case 'text-encoder-2':
      return clipText(parseClipTextConfig(config, origin));
    case 'vae-decoder':
    case 'vae-encoder': {
      const decoder = part === 'vae-decoder';
      if (autoencoderKind(config, origin) === 'kl') {
        const kl = parseAutoencoderKlConfig(config, origin);
        return decoder ? autoencoderKlDecoder(kl) : autoencoderKlEncoder(kl);
      }
      const tiny = parseAutoencoderTinyConfig(config, origin);
      return decoder ? autoencoderTinyDecoder(tiny) : autoencoderTinyEncoder(tiny);
    }
  }
}

export function autoencoderFacts(config: unknown, origin: string): AutoencoderFacts {
  if (autoencoderKind(config, origin) === 'kl') {
    const kl = parseAutoencoderKlConfig(config, origin);
    return {
      kind: 'kl',
      latentChannels: kl.latent_channels,
      scalingFactor: kl.scaling_factor,
      shiftFactor: kl.shift_factor ?? 0,
      scale: 2 ** (kl.block_out_channels.length - 1),
      ...statisticsOf(kl),
    };
  }
  const tiny = parseAutoencoderTinyConfig(config, origin);
  return {
    kind: 'tiny',
    latentChannels: tiny.latent_channels,
    scalingFactor: tiny.scaling_factor,
    shiftFactor: tiny.shift_factor ?? 0,
    scale: 2 ** (tiny.num_decoder_blocks.length - 1),
    ...statisticsOf(tiny),
  };
}

function statisticsOf({
  latents_mean: mean,
  latents_std: deviation,
}: Pick<AutoencoderKlConfig, 'latents_mean' | 'latents_std'>): Pick<AutoencoderFacts, 'statistics'> {
  return mean && deviation ? { statistics: { mean, deviation } } : {};
}

function autoencoderKind(config: unknown, origin: string): 'kl' | 'tiny' {
  const name = (config as { _class_name?: unknown } | null)?._class_name;
  if (name === 'AutoencoderKL') return 'kl';
  if (name === 'AutoencoderTiny') return 'tiny';
  throw new InputError(
    `${origin}: autoencoder class ${quoted(name)} is not supported; supported: AutoencoderKL, AutoencoderTiny.`,
  );
}
