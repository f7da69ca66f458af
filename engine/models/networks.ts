import { InputError, quoted } from '../errors.ts';
import type { Network } from '../graph/network.ts';
import { autoencoderDcDecoder, autoencoderDcEncoder } from '../networks/autoencoder-dc.ts';
import { parseAutoencoderDcConfig } from '../networks/autoencoder-dc-config.ts';
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
import { languageModel } from '../networks/language.ts';
import { isLanguageModel, parseLanguageConfig } from '../networks/language-config.ts';
import { type Steering, unet } from '../networks/unet.ts';
import { parseUNetConfig } from '../networks/unet-config.ts';
import {
  DENOISER_FOLDERS,
  type DenoiserFolder,
  NETWORK_FOLDERS,
  type NetworkFolder,
} from '../weights/diffusers.ts';
import { classOf, TRANSFORMER_CLASSES, transformerOf } from './transformers.ts';

/** What a network does in a diffusion pipeline. */
export const NETWORK_ROLES = [
  'denoiser',
  'vae-decoder',
  'vae-encoder',
  'text-encoder',
  'text-encoder-2',
] as const;
export type NetworkRole = (typeof NETWORK_ROLES)[number];

/** Other names of roles, by which a network may be asked for: a denoiser's folders. */
export const ROLE_ALIASES: Readonly<Record<string, NetworkRole>> = Object.fromEntries(
  DENOISER_FOLDERS.map((folder) => [folder, 'denoiser']),
);

interface Place {
  folder: NetworkFolder;
  stem: string;
}

/** Folder and file stem of a network in the diffusers layout. */
export function placeOf(role: NetworkRole, denoiser: DenoiserFolder = DENOISER_FOLDERS[0]): Place {
  return role === 'denoiser' ? place(denoiser) : PLACES[role];
}

const PLACES: Record<Exclude<NetworkRole, 'denoiser'>, Place> = {
  'vae-decoder': place('vae'),
  'vae-encoder': place('vae'),
  'text-encoder': place('text_encoder'),
  'text-encoder-2': place('text_encoder_2'),
};

function place<Folder extends NetworkFolder>(folder: Folder) {
  return { folder, stem: NETWORK_FOLDERS[folder] };
}

/** Networks by role, built on first use, because building checks a config and takes milliseconds. */
export class Networks {
  readonly #build: (role: NetworkRole) => Network;
  readonly #built = new Map<NetworkRole, Network>();

  constructor(build: (role: NetworkRole) => Network) {
    this.#build = build;
  }

  get(role: NetworkRole): Network {
    const network = this.#built.get(role) ?? this.#build(role);
    this.#built.set(role, network);
    return network;
  }
}

/** Properties of an autoencoder that pipelines need. */
export interface AutoencoderFacts {
  kind: 'kl' | 'tiny' | 'dc';
  latentChannels: number;
  /** The denoiser's latents are the autoencoder's times this factor. */
  scalingFactor: number;
  shiftFactor: number;
  /** Per latent channel, applied before the factors; absent if latents are not normalized. */
  statistics?: { mean: readonly number[]; deviation: readonly number[] };
  /** Pixels for each latent position, along one side. */
  scale: number;
  /** Latents are packed and standardized by the networks themselves, of the mean (FLUX.2). */
  packed?: boolean;
}

/** What a network depends on beside its config. */
export interface NetworkOptions {
  /** For a denoiser. */
  steering?: Steering;
  /** For a language model: the layers whose states the denoiser reads; the last one's, normed, if absent. */
  layers?: readonly number[] | undefined;
}

/** Builds a network from its config; `origin` names the config in errors. */
export function networkOf(
  role: NetworkRole,
  config: unknown,
  origin: string,
  { steering, layers }: NetworkOptions = {},
): Network {
  switch (role) {
    case 'denoiser': {
      const transformer = transformerOf(config, origin);
      if (!transformer) return unet(parseUNetConfig(config, origin), steering);
      if (steering) requireSteerable(config, origin);
      return transformer.network();
    }
    case 'text-encoder':
    case 'text-encoder-2':
      return isLanguageModel(config)
        ? languageModel(parseLanguageConfig(config, origin), layers)
        : clipText(parseClipTextConfig(config, origin));
    case 'vae-decoder':
    case 'vae-encoder':
      return autoencoder(role === 'vae-decoder', config, origin);
  }
}

/** @throws InputError for a denoiser that nothing steers beside its text */
export function requireSteerable(config: unknown, origin: string): void {
  if (TRANSFORMER_CLASSES.includes(String(classOf(config))))
    throw new InputError(
      `${origin}: control images, references and prompts for regions steer the U-Nets of Stable Diffusion only, not transformers.`,
    );
}

/** Latent positions along a side, for a denoiser that computes square images of one size only. */
export function onlySide(config: unknown, origin: string): number | undefined {
  return transformerOf(config, origin)?.onlySide;
}

function autoencoder(decoder: boolean, config: unknown, origin: string): Network {
  switch (autoencoderKind(config, origin)) {
    case 'kl': {
      const kl = parseAutoencoderKlConfig(config, origin);
      return decoder ? autoencoderKlDecoder(kl) : autoencoderKlEncoder(kl);
    }
    case 'tiny': {
      const tiny = parseAutoencoderTinyConfig(config, origin);
      return decoder ? autoencoderTinyDecoder(tiny) : autoencoderTinyEncoder(tiny);
    }
    case 'dc': {
      const dc = parseAutoencoderDcConfig(config, origin);
      return decoder ? autoencoderDcDecoder(dc) : autoencoderDcEncoder(dc);
    }
  }
}

export function autoencoderFacts(config: unknown, origin: string): AutoencoderFacts {
  const kind = autoencoderKind(config, origin);
  if (kind === 'dc') {
    const dc = parseAutoencoderDcConfig(config, origin);
    const { latentChannels, scalingFactor } = dc;
    return { kind, latentChannels, scalingFactor, shiftFactor: 0, scale: 2 ** (dc.decoder.length - 1) };
  }
  const parsed =
    kind === 'kl' ? parseAutoencoderKlConfig(config, origin) : parseAutoencoderTinyConfig(config, origin);
  const levels = 'layers_per_block' in parsed ? parsed.block_out_channels : parsed.num_decoder_blocks;
  const packed = 'packing' in parsed && parsed.packing !== undefined;
  return {
    kind,
    latentChannels: (packed ? 4 : 1) * parsed.latent_channels,
    scalingFactor: parsed.scaling_factor,
    shiftFactor: parsed.shift_factor ?? 0,
    scale: 2 ** (levels.length - (packed ? 0 : 1)),
    ...(packed && { packed }),
    ...statisticsOf(parsed),
  };
}

function statisticsOf({
  latents_mean: mean,
  latents_std: deviation,
}: Pick<AutoencoderKlConfig, 'latents_mean' | 'latents_std'>): Pick<AutoencoderFacts, 'statistics'> {
  return mean && deviation ? { statistics: { mean, deviation } } : {};
}

const AUTOENCODERS = {
  AutoencoderKL: 'kl',
  AutoencoderKLFlux2: 'kl',
  AutoencoderTiny: 'tiny',
  AutoencoderDC: 'dc',
} as const;

function autoencoderKind(config: unknown, origin: string): AutoencoderFacts['kind'] {
  const name = classOf(config);
  if (typeof name === 'string' && Object.hasOwn(AUTOENCODERS, name))
    return AUTOENCODERS[name as keyof typeof AUTOENCODERS];
  throw new InputError(
    `${origin}: autoencoder class ${quoted(name)} is not supported; supported: ${Object.keys(AUTOENCODERS).join(', ')}.`,
  );
}
