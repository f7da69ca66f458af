import * as z from 'zod';
import { path } from '#host';
import { LIMITS } from '../../shared/limits.ts';
import type { SizeLimits } from '../../shared/sizes.ts';
import { InputError } from '../errors.ts';
import type { Network } from '../graph/network.ts';
import { readJson, readOptionalJson } from '../json.ts';
import { parseConfig } from '../networks/config.ts';
import { parseUNetConfig } from '../networks/unet-config.ts';
import { INDEX_FILE, RECOMMENDED_FILE, SCHEDULER_FILE, TOKENIZER_FOLDERS } from '../weights/diffusers.ts';
import { openWeights } from '../weights/folder.ts';
import type { Adapter } from '../weights/lora.ts';
import { mergeAdapters, modulesWithoutWeight } from '../weights/lora-merge.ts';
import type { WeightSource, WeightsOptions } from '../weights/source.ts';
import { type ControlModel, steeringBy, withControlWeights } from './control-model.ts';
import { checkFit } from './fit.ts';
import { defaultsOf, type GenerationDefaults, type Model } from './model.ts';
import { type AutoencoderFacts, autoencoderFacts, Networks, networkOf, type Part, placeOf } from './parts.ts';
import { type PipelineKind, pipelineNamed, type TextPart } from './pipelines.ts';
import { checkReferenceFits, type ReferenceModel, withReferenceWeights } from './reference-model.ts';
import { sizesOf } from './sizes.ts';

const indexSchema = z.object({
  _class_name: z.string(),
  force_zeros_for_empty_prompt: z.boolean().nullable().default(true).transform(Boolean),
});

const side = z.number().int().optional().catch(undefined);

/** `generation_config.json`, optional: what the model's makers recommend. What is out of bounds is not recommended. */
const recommendedSchema = z.object({
  num_inference_steps: z
    .number()
    .int()
    .min(LIMITS.steps.min)
    .max(LIMITS.steps.max)
    .optional()
    .catch(undefined),
  guidance_scale: z.number().min(LIMITS.guidance.min).max(LIMITS.guidance.max).optional().catch(undefined),
  width: side,
  height: side,
  /** Ours: see `GenerationDefaults`. */
  removal_prompt: z.string().max(200).optional().catch(undefined),
});

/** What is said of a model from outside its folder. */
interface ModelOptions {
  /** Its name for people; the folder's if absent. */
  name?: string;
  /** What its makers recommend, where the folder does not say. */
  recommended?: Partial<GenerationDefaults>;
}

interface Parts {
  folder: string;
  name: string;
  index: z.output<typeof indexSchema>;
  kind: PipelineKind;
  /** By folder: `unet`, `vae`, …; `scheduler`; `generation` where there is one. */
  configs: ReadonlyMap<string, unknown>;
  recommended: Partial<GenerationDefaults>;
  /** Where the autoencoder lies. */
  autoencoder: string;
  adapters: readonly Adapter[];
  controls: readonly ControlModel[];
  references: ReferenceUse | undefined;
}

/** Pictures as prompts: what reads them, and in which groups. */
export interface ReferenceUse {
  model: ReferenceModel;
  groups: readonly { masked: boolean }[];
}

/** A checkpoint in the diffusers folder layout. Weights are opened when a network is asked for. */
export class ModelFolder implements Model {
  readonly id: string;
  readonly name: string;
  readonly folder: string;
  /** Whether it is of the family of Stable Diffusion XL, whose latents are others. */
  readonly isXl: boolean;
  readonly autoencoder: AutoencoderFacts;
  readonly defaults: GenerationDefaults;
  readonly sizes: SizeLimits;
  /** The text encoders, in the order in which the U-Net expects their states. */
  readonly textParts: readonly TextPart[];
  /** An absent negative prompt stands for zeros rather than for the empty text (SDXL). */
  readonly zeroNegative: boolean;
  /** What is put before every prompt, but not before the negative one. */
  readonly instruction: string | undefined;
  readonly #parts: Parts;
  readonly #networks = new Networks((part) => this.#build(part));

  private constructor(parts: Parts) {
    const { folder, index, kind, configs, autoencoder, adapters, controls, references } = parts;
    this.#parts = parts;
    this.folder = folder;
    const others = autoencoder === path.join(folder, 'vae') ? [] : [autoencoder];
    const merged = adapters.map(({ file, strength }) => `${file} ${strength}`);
    const seen = references ? [`${references.model.id} ${JSON.stringify(references.groups)}`] : [];
    this.id = [folder, ...others, ...merged, ...controls.map(({ id }) => id), ...seen].join(' + ');
    this.name = parts.name;
    this.isXl = kind.isXl === true;
    this.textParts = kind.textParts;
    this.instruction = kind.instruction;
    this.zeroNegative = this.isXl && index.force_zeros_for_empty_prompt;
    this.autoencoder = autoencoderFacts(configs.get('vae'), path.join(autoencoder, 'config.json'));
    const placed = (name: string) => ({
      config: configs.get(name),
      origin: path.join(folder, name, 'config.json'),
    });
    const texts = this.textParts.map((part) => placed(placeOf(part).folder));
    checkFit(placed(kind.denoiser), this.autoencoder, texts, kind);
    const own = recommendedOf(configs.get('generation'), path.join(folder, RECOMMENDED_FILE));
    const { scale } = this.autoencoder;
    this.sizes = sizesOf(this.autoencoder);
    this.defaults = defaultsOf(
      configs.get(kind.denoiser),
      { scale, sizes: this.sizes },
      { ...kind.recommended, ...parts.recommended, ...own },
    );
  }

  /** Reads the configs; throws an `InputError` that says what is missing or not supported. */
  static async open(folder: string, options: ModelOptions = {}): Promise<ModelFolder> {
    const absolute = path.resolve(folder);
    const file = path.join(absolute, INDEX_FILE);
    const index = parseConfig(
      indexSchema,
      await readJson(file, { hint: 'Is it a model folder in the diffusers layout?' }),
      file,
    );
    const kind = pipelineNamed(index._class_name, file);
    const configs = new Map<string, unknown>();
    for (const name of [kind.denoiser, 'vae', ...kind.textParts.map((part) => placeOf(part).folder)])
      configs.set(name, await readJson(path.join(absolute, name, 'config.json')));
    configs.set('scheduler', await readJson(path.join(absolute, SCHEDULER_FILE)));
    configs.set('generation', await readOptionalJson(path.join(absolute, RECOMMENDED_FILE)));
    return new ModelFolder({
      folder: absolute,
      name: options.name ?? path.basename(absolute),
      index,
      kind,
      configs,
      recommended: options.recommended ?? {},
      autoencoder: path.join(absolute, 'vae'),
      adapters: [],
      controls: [],
      references: undefined,
    });
  }

  /** The same model with another autoencoder of the same latents, e.g. a faster one. */
  async withAutoencoder(folder: string): Promise<ModelFolder> {
    const config = await readJson(path.join(folder, 'config.json'));
    const configs = new Map([...this.#parts.configs, ['vae', config]]);
    return new ModelFolder({ ...this.#parts, configs, autoencoder: path.resolve(folder) });
  }

  /**
   * The same model with LoRA files merged into its weights; `warnings` name what of them changes nothing here.
   * @throws InputError for a file that is made for another model
   */
  withAdapters(adapters: readonly Adapter[]): { model: ModelFolder; warnings: string[] } {
    const networks = new Map(
      (['denoiser', ...this.textParts] as const).map((part) => [part, this.network(part)]),
    );
    const warnings = adapters.flatMap((adapter) => {
      const idle = modulesWithoutWeight(adapter, networks);
      if (idle.length === adapter.modules.length)
        throw new InputError(`${adapter.file} is made for another model: nothing of it fits ${this.name}.`);
      const { file, modules, leftOut } = adapter;
      return [
        ...(idle.length > 0
          ? [
              `${idle.length} of ${modules.length} parts of ${file} fit nothing in ${this.name} (${idle[0]}, …).`,
            ]
          : []),
        ...(leftOut.length > 0
          ? [
              `${leftOut.length} tensors of ${file} are no part of a LoRA and were left out (${leftOut[0]}, …).`,
            ]
          : []),
      ];
    });
    return { model: new ModelFolder({ ...this.#parts, adapters }), warnings };
  }

  /**
   * The same model, steered by ControlNets and T2I-Adapters, with pictures as prompts.
   * @throws InputError for one of another family
   */
  steered(controls: readonly ControlModel[], references: ReferenceUse | undefined): ModelFolder {
    const model = new ModelFolder({ ...this.#parts, controls, references });
    model.network('denoiser');
    return model;
  }

  get controls(): readonly ControlModel[] {
    return this.#parts.controls;
  }

  get references(): ReferenceUse | undefined {
    return this.#parts.references;
  }

  get schedulerConfig(): unknown {
    return this.#parts.configs.get('scheduler');
  }

  tokenizerFolder(part: TextPart): string {
    return path.join(this.folder, TOKENIZER_FOLDERS[part === 'text-encoder' ? 0 : 1]);
  }

  network(part: Part): Network {
    return this.#networks.get(part);
  }

  #build(part: Part): Network {
    const config = this.#parts.configs.get(this.#folderOf(part));
    const origin = path.join(this.#placeOf(part), 'config.json');
    const { controls, references } = this.#parts;
    if (part !== 'denoiser' || (controls.length === 0 && !references)) return networkOf(part, config, origin);
    const base = parseUNetConfig(config, origin);
    if (references) checkReferenceFits(references.model, base);
    const seen = references && { references: references.groups };
    return networkOf(part, config, origin, { ...steeringBy(controls, base), ...seen });
  }

  async weights(part: Part, options?: WeightsOptions): Promise<WeightSource> {
    const source = await openWeights(this.#placeOf(part), placeOf(part).stem);
    const { adapters, controls, references } = this.#parts;
    const merged =
      adapters.length > 0 ? await mergeAdapters(source, part, this.network(part), adapters, options) : source;
    if (part !== 'denoiser') return merged;
    const steered = controls.length > 0 ? await withControlWeights(merged, controls) : merged;
    return references ? withReferenceWeights(steered, references.model) : steered;
  }

  #folderOf(part: Part): string {
    return placeOf(part, this.#parts.kind.denoiser).folder;
  }

  #placeOf(part: Part): string {
    const folder = this.#folderOf(part);
    return folder === 'vae' ? this.#parts.autoencoder : path.join(this.folder, folder);
  }
}

function recommendedOf(config: unknown, origin: string): Partial<GenerationDefaults> {
  if (config === undefined) return {};
  const { num_inference_steps, guidance_scale, width, height, removal_prompt } = parseConfig(
    recommendedSchema,
    config,
    origin,
  );
  return {
    ...(num_inference_steps !== undefined && { steps: num_inference_steps }),
    ...(guidance_scale !== undefined && { guidance: guidance_scale }),
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(removal_prompt !== undefined && { removalPrompt: removal_prompt }),
  };
}
