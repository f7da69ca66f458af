import { path } from '#host';
import { readJson } from '../json.ts';
import type { NetworkFolder } from '../weights/diffusers.ts';
import { openWeights } from '../weights/folder.ts';
import type { WeightSource, WeightsOptions } from '../weights/source.ts';
import type { GenerationDefaults } from './model.ts';
import type { PipelineKind } from './pipelines.ts';

/** One network of a checkpoint: its config, and where its weights are. */
export interface PlacedNetwork {
  readonly config: unknown;
  /** Names the config in errors: a file. */
  readonly origin: string;
  /** Distinguishes it from other networks that could take its place. */
  readonly place: string;
  /** Set for an autoencoder that has a decoder only, so that the model's own encoder stays. */
  readonly decodesOnly?: true;
  /** Opens the weights. @throws InputError if they are missing or damaged */
  weights(options?: WeightsOptions): Promise<WeightSource>;
}

/** A tokenizer: its folder, and the padding token where the folder's own does not count. */
export interface TokenizerPlace {
  readonly folder: string;
  readonly pad?: string;
}

/** The parts of a checkpoint, wherever they come from: a folder in the diffusers layout, or one file. */
export interface Layout {
  /** Unique id: folder or file, and the parts that the user has named. */
  readonly id: string;
  /** Folder or file. */
  readonly place: string;
  readonly name: string;
  readonly kind: PipelineKind;
  /** Whether an absent negative prompt stands for zeros, as with SDXL. */
  readonly zerosForEmpty: boolean;
  readonly networks: ReadonlyMap<NetworkFolder, PlacedNetwork>;
  /** Set if the encoder is not that of the autoencoder in `networks`. */
  readonly encoder?: PlacedNetwork | undefined;
  /** `scheduler_config.json`, or what stands for it. */
  readonly scheduler: unknown;
  readonly recommended: Partial<GenerationDefaults>;
  /** @throws InputError if there is none that fits */
  tokenizer(folder: 'text_encoder' | 'text_encoder_2'): Promise<TokenizerPlace>;
  /** Sentences for the user about how the parts were found. */
  readonly notes?: readonly string[];
  /** What is missing for generating, and how to name it: sentences. */
  readonly missing?: readonly string[];
  /** The checkpoint does not say what the U-Net predicts; the scheduler's config has a guess. */
  readonly unsure?: boolean;
}

/** A network's folder with `config.json` and weights. @throws InputError if the config is missing */
export async function placedIn(folder: string, stem: string): Promise<PlacedNetwork> {
  const place = path.resolve(folder);
  const origin = path.join(place, 'config.json');
  return { config: await readJson(origin), origin, place, weights: () => openWeights(place, stem) };
}
