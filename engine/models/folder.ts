import path from 'node:path';
import * as z from 'zod';
import { InputError } from '../errors.ts';
import type { Network } from '../graph/network.ts';
import { readJson, readOptionalJson } from '../json.ts';
import { parseConfig } from '../networks/config.ts';
import { openWeights } from '../weights/folder.ts';
import type { WeightSource } from '../weights/source.ts';
import { defaultsOf, type GenerationDefaults, type Model } from './model.ts';
import { type AutoencoderFacts, autoencoderFacts, networkOf, type Part, PLACES } from './parts.ts';

const XL = 'StableDiffusionXLPipeline';
const PIPELINES = ['StableDiffusionPipeline', XL, 'LatentConsistencyModelPipeline'];

const indexSchema = z.object({
  _class_name: z.string(),
  force_zeros_for_empty_prompt: z.boolean().default(true),
});

/** `generation_config.json`, optional: what the model's makers recommend. */
const recommendedSchema = z.object({
  num_inference_steps: z.number().int().min(1).max(150).optional(),
  guidance_scale: z.number().min(0).max(50).optional(),
  width: z.number().int().min(64).max(2048).multipleOf(8).optional(),
  height: z.number().int().min(64).max(2048).multipleOf(8).optional(),
});

export type TextPart = 'text-encoder' | 'text-encoder-2';

/** A checkpoint in the diffusers folder layout. Weights are opened when a network is asked for. */
export class ModelFolder implements Model {
  readonly id: string;
  readonly name: string;
  readonly pipeline: string;
  readonly autoencoder: AutoencoderFacts;
  readonly defaults: GenerationDefaults;
  /** The text encoders, in the order in which the U-Net expects their states. */
  readonly textParts: readonly TextPart[];
  /** An absent negative prompt stands for zeros rather than for the empty text (SDXL). */
  readonly zeroNegative: boolean;
  readonly #configs: ReadonlyMap<string, unknown>;

  private constructor(folder: string, index: z.output<typeof indexSchema>, configs: Map<string, unknown>) {
    this.id = folder;
    this.name = path.basename(folder);
    this.pipeline = index._class_name;
    this.textParts = configs.has('text_encoder_2') ? ['text-encoder', 'text-encoder-2'] : ['text-encoder'];
    this.zeroNegative = index._class_name === XL && index.force_zeros_for_empty_prompt;
    this.#configs = configs;
    this.autoencoder = autoencoderFacts(configs.get('vae'), path.join(folder, 'vae', 'config.json'));
    const recommended = recommendedOf(configs.get('generation'), path.join(folder, 'generation_config.json'));
    this.defaults = defaultsOf(configs.get('unet'), this.autoencoder.scale, recommended);
  }

  /** Reads the configs; throws an `InputError` that says what is missing or not supported. */
  static async open(folder: string): Promise<ModelFolder> {
    const absolute = path.resolve(folder);
    const file = path.join(absolute, 'model_index.json');
    const index = parseConfig(
      indexSchema,
      await readJson(file, { hint: 'Is it a model folder in the diffusers layout?' }),
      file,
    );
    if (!PIPELINES.includes(index._class_name))
      throw new InputError(
        `${file}: pipeline ${index._class_name} is not supported; supported: ${PIPELINES.join(', ')}.`,
      );
    const configs = new Map<string, unknown>();
    const second = index._class_name === XL ? ['text_encoder_2'] : [];
    for (const name of ['unet', 'vae', 'text_encoder', ...second])
      configs.set(name, await readJson(path.join(absolute, name, 'config.json')));
    configs.set('scheduler', await readJson(path.join(absolute, 'scheduler', 'scheduler_config.json')));
    configs.set('generation', await readOptionalJson(path.join(absolute, 'generation_config.json')));
    return new ModelFolder(absolute, index, configs);
  }

  get schedulerConfig(): unknown {
    return this.#configs.get('scheduler');
  }

  tokenizerFolder(part: TextPart): string {
    return path.join(this.id, part === 'text-encoder' ? 'tokenizer' : 'tokenizer_2');
  }

  network(part: Part): Network {
    const { folder } = PLACES[part];
    return networkOf(part, this.#configs.get(folder), path.join(this.id, folder, 'config.json'));
  }

  weights(part: Part): Promise<WeightSource> {
    const { folder, stem } = PLACES[part];
    return openWeights(path.join(this.id, folder), stem);
  }
}

function recommendedOf(config: unknown, origin: string): Partial<GenerationDefaults> {
  if (config === undefined) return {};
  const { num_inference_steps, guidance_scale, width, height } = parseConfig(
    recommendedSchema,
    config,
    origin,
  );
  return {
    ...(num_inference_steps !== undefined && { steps: num_inference_steps }),
    ...(guidance_scale !== undefined && { guidance: guidance_scale }),
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
  };
}
