import type { Network } from '../graph/network.ts';
import { FLUX2_LAYERS, flux2 } from '../networks/flux2.ts';
import { parseFlux2Config } from '../networks/flux2-config.ts';
import { nitroE } from '../networks/nitro-e.ts';
import { parseNitroEConfig } from '../networks/nitro-e-config.ts';
import { sana } from '../networks/sana.ts';
import { parseSanaConfig } from '../networks/sana-config.ts';

/** A denoiser that is not a U-Net, as its config describes it. */
interface Transformer {
  network(): Network;
  /** Channels of the latents that it takes and gives. */
  takes: number;
  gives: number;
  /** Numbers that it reads for each token: the config's field, and of how many layers of the text encoder they are. */
  text: { field: string; width: number; layers: number };
  /** Latent positions along a side, if it computes square images of one size only. */
  onlySide?: number;
}

/** By their class in diffusers. */
const TRANSFORMERS: ReadonlyMap<string, (config: unknown, origin: string) => Transformer> = new Map([
  [
    'SanaTransformer2DModel',
    (json, origin) => {
      const config = parseSanaConfig(json, origin);
      return { network: () => sana(config), ...ofCaption(config) };
    },
  ],
  [
    'EMMDiTTransformer',
    (json, origin) => {
      const config = parseNitroEConfig(json, origin);
      return { network: () => nitroE(config), ...ofCaption(config), onlySide: config.sample_size };
    },
  ],
  [
    'Flux2Transformer2DModel',
    (json, origin) => {
      const config = parseFlux2Config(json, origin);
      return {
        network: () => flux2(config),
        takes: config.in_channels,
        gives: config.out_channels,
        text: {
          field: 'joint_attention_dim',
          width: config.joint_attention_dim,
          layers: FLUX2_LAYERS.length,
        },
      };
    },
  ],
]);

function ofCaption(config: { in_channels: number; out_channels: number; caption_channels: number }) {
  return {
    takes: config.in_channels,
    gives: config.out_channels,
    text: { field: 'caption_channels', width: config.caption_channels, layers: 1 },
  };
}

/** Classes of transformers that are supported. */
export const TRANSFORMER_CLASSES: readonly string[] = [...TRANSFORMERS.keys()];

/** The transformer of a config; undefined if its class is another. `origin` names the config in errors. */
export function transformerOf(config: unknown, origin: string): Transformer | undefined {
  return TRANSFORMERS.get(String(classOf(config)))?.(config, origin);
}

/** The name of the diffusers class that a config belongs to. */
export function classOf(config: unknown): unknown {
  return (config as { _class_name?: unknown } | null)?._class_name;
}
