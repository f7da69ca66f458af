import type { PredictionType } from '../../shared/api.ts';
import type { SizeLimits } from '../../shared/sizes.ts';
import { InputError } from '../errors.ts';
import type { Network } from '../graph/network.ts';
import { parseUNetConfig } from '../networks/unet-config.ts';
import type { PromptForm } from '../text/prompt-form.ts';
import { versionsOf } from '../weights/file-version.ts';
import type { Adapter } from '../weights/lora.ts';
import { mergeAdapters, modulesWithoutWeight } from '../weights/lora-merge.ts';
import type { FileVersion, WeightSource, WeightsOptions } from '../weights/source.ts';
import { type ControlModel, steeringBy, withControlWeights } from './control-model.ts';
import { blendingNote, checkFit } from './fit.ts';
import { type FolderOptions, readFolder } from './folder.ts';
import type { Layout, PlacedNetwork, TokenizerPlace } from './layout.ts';
import { defaultsOf, type GenerationDefaults, type Model } from './model.ts';
import {
  type AutoencoderFacts,
  autoencoderFacts,
  type NetworkRole,
  Networks,
  networkOf,
  onlySide,
  placeOf,
  requireSteerable,
} from './networks.ts';
import type { TextRole } from './pipelines.ts';
import {
  checkReferenceFits,
  type ReferenceAdapter,
  type ReferenceModel,
  withReferenceWeights,
} from './reference-model.ts';
import type { FileParts } from './single-file/file-parts.ts';
import { isFile, readSingleFile } from './single-file/layout.ts';
import { isTinyDecoder, openAutoencoder } from './single-file/placed.ts';
import { sizesOf } from './sizes.ts';

/** Pictures as prompts: what reads them, and in which groups. */
interface ReferenceUse {
  model: ReferenceAdapter | ReferenceModel;
  groups: readonly { masked: boolean }[];
}

/** What is added to a checkpoint's networks. */
interface Additions {
  adapters?: readonly Adapter[];
  controls?: readonly ControlModel[];
  /** Features of T2I-Adapters that are encoded elsewhere. */
  features?: number;
  references?: ReferenceUse | undefined;
  /** Number of prompts for regions. */
  regions?: number;
}

/** A checkpoint that draws, from a folder or a single file. Weights are opened when a network is asked for. */
export class DiffusionModel implements Model {
  readonly id: string;
  /** The same without regions, in which recorded features do not differ. */
  readonly recordedId: string;
  readonly name: string;
  /** Its folder or file. */
  readonly place: string;
  /** Whether it is of the family of Stable Diffusion XL, which has latents of its own. */
  readonly isXl: boolean;
  readonly autoencoder: AutoencoderFacts;
  readonly defaults: GenerationDefaults;
  readonly sizes: SizeLimits;
  /** The text encoders, in the order in which the U-Net expects their states. */
  readonly textRoles: readonly TextRole[];
  /** An absent negative prompt stands for zeros rather than for the empty text (SDXL). */
  readonly zeroNegative: boolean;
  /** Reference images need no adapter: the denoiser reads them itself. */
  readonly readsImages: boolean;
  /** How its language model is given prompts; absent for CLIP. */
  readonly prompts: PromptForm | undefined;
  readonly #layout: Layout;
  readonly #additions: Additions;
  readonly #networks = new Networks((role) => this.#build(role));

  private constructor(layout: Layout, additions: Additions = {}) {
    const { kind } = layout;
    this.#layout = layout;
    this.#additions = additions;
    const { adapters = [], controls = [], references, regions = 0 } = additions;
    const merged = adapters.map(({ file, strength }) => `${file} ${strength}`);
    const seen = references ? [`${references.model.id} ${JSON.stringify(references.groups)}`] : [];
    this.recordedId = [layout.id, ...merged, ...controls.map(({ id }) => id), ...seen].join(' + ');
    this.id = regions > 0 ? `${this.recordedId} + ${regions} regions` : this.recordedId;
    this.name = layout.name;
    this.place = layout.place;
    this.isXl = kind.isXl === true;
    this.prompts = kind.prompts;
    this.readsImages = kind.readsImages === true;
    this.textRoles = kind.textRoles;
    this.zeroNegative = this.isXl && layout.zerosForEmpty;
    const vae = this.#placed('vae-decoder');
    this.autoencoder = autoencoderFacts(vae.config, vae.origin);
    const denoiser = this.#placed('denoiser');
    const texts = this.textRoles.map((role) => this.#placed(role));
    checkFit(denoiser, this.autoencoder, texts, kind);
    this.sizes = sizesOf(this.autoencoder, onlySide(denoiser.config, denoiser.origin));
    const { scale } = this.autoencoder;
    this.defaults = defaultsOf(denoiser.config, { scale, sizes: this.sizes }, layout.recommended);
  }

  /**
   * Reads a folder in the diffusers layout, or a single file.
   * @throws InputError that says what is missing or not supported
   */
  static async open(place: string, options: FolderOptions & FileParts = {}): Promise<DiffusionModel> {
    const { vae } = options;
    const small = vae !== undefined && (await isTinyDecoder(vae));
    if (!(await isFile(place))) {
      const model = new DiffusionModel(await readFolder(place, options));
      return vae === undefined ? model : model.withAutoencoder(vae);
    }
    if (!small) return new DiffusionModel(await readSingleFile(place, options));
    const { vae: _, ...others } = options;
    return new DiffusionModel(await readSingleFile(place, others)).withAutoencoder(vae);
  }

  /**
   * The same model with another autoencoder or decoder of the same latents, e.g. a faster one: see `openAutoencoder`.
   */
  async withAutoencoder(place: string): Promise<DiffusionModel> {
    return this.#withAutoencoder(await openAutoencoder(place, this.autoencoder.scalingFactor));
  }

  #withAutoencoder(placed: PlacedNetwork): DiffusionModel {
    const { id, networks, missing = [] } = this.#layout;
    const encoder = placed.decodesOnly && this.#placed('vae-encoder');
    const layout = {
      ...this.#layout,
      id: `${id} + ${placed.place}`,
      networks: new Map([...networks, ['vae', placed] as const]),
      encoder,
      missing: encoder ? missing : missing.filter((sentence) => !sentence.includes('--vae')),
    };
    return new DiffusionModel(layout, this.#additions);
  }

  /** The same model with the prediction type that was found out. */
  withPrediction(prediction: PredictionType): DiffusionModel {
    const scheduler = { ...(this.#layout.scheduler as object), prediction_type: prediction };
    return new DiffusionModel({ ...this.#layout, scheduler, unsure: false }, this.#additions);
  }

  /** The checkpoint does not say what its U-Net predicts. */
  get unsure(): boolean {
    return this.#layout.unsure ?? false;
  }

  /** Sentences for the user about how the parts were found. */
  get notes(): readonly string[] {
    return this.#layout.notes ?? [];
  }

  /** The same about how it edits. */
  get editNotes(): readonly string[] {
    const note = blendingNote(this.name, this.#placed('denoiser'), this.autoencoder, this.#layout.kind);
    return note === undefined ? [] : [note];
  }

  /** @throws InputError if a part that drawing needs is missing, with how to name it */
  requireComplete(): void {
    const [first] = this.#layout.missing ?? [];
    if (first) throw new InputError(first, { setting: 'model' });
  }

  /**
   * The same model with LoRA files merged into its weights; `warnings` name the tensors that have no effect here.
   * @throws InputError for a file that is made for another model
   */
  withAdapters(adapters: readonly Adapter[]): { model: DiffusionModel; warnings: string[] } {
    const networks = new Map(
      (['denoiser', ...this.textRoles] as const).map((role) => [role, this.network(role)]),
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
    return { model: new DiffusionModel(this.#layout, { ...this.#additions, adapters }), warnings };
  }

  /**
   * The same model, steered by ControlNets and T2I-Adapters, with pictures as prompts, and with prompts for regions.
   * @param more.features of T2I-Adapters that are encoded elsewhere; `regions`: number of prompts for regions
   * @throws InputError for one of another family
   */
  steered(
    controls: readonly ControlModel[],
    references: ReferenceUse | undefined,
    more: { features?: number; regions?: number } = {},
  ): DiffusionModel {
    const model = new DiffusionModel(this.#layout, { ...this.#additions, controls, references, ...more });
    model.network('denoiser');
    return model;
  }

  get merged(): FileVersion[] {
    const { adapters = [] } = this.#additions;
    return versionsOf(
      adapters.flatMap(({ modules }) => modules.flatMap(({ tensors }) => [...tensors.values()])),
    );
  }

  get controls(): readonly ControlModel[] {
    return this.#additions.controls ?? [];
  }

  get references(): ReferenceUse | undefined {
    return this.#additions.references;
  }

  /** The settings of its configs that affect images, wherever they are stored. */
  get settings(): string {
    const { scheduler, zerosForEmpty, networks } = this.#layout;
    const configs = [...networks].map(([folder, { config }]) => [folder, config]);
    return JSON.stringify([scheduler, zerosForEmpty, this.prompts, configs]);
  }

  get schedulerConfig(): unknown {
    return this.#layout.scheduler;
  }

  tokenizer(role: TextRole): Promise<TokenizerPlace> {
    return this.#layout.tokenizer(role === 'text-encoder' ? 'text_encoder' : 'text_encoder_2');
  }

  network(role: NetworkRole): Network {
    return this.#networks.get(role);
  }

  #build(role: NetworkRole): Network {
    const { config, origin } = this.#placed(role);
    const { controls = [], features = 0, references, regions = 0 } = this.#additions;
    if (role !== 'denoiser' || (controls.length === 0 && features === 0 && !references && regions === 0))
      return networkOf(role, config, origin, { layers: this.#layout.kind.textLayers });
    requireSteerable(config, origin);
    const base = parseUNetConfig(config, origin);
    if (references) checkReferenceFits(references.model, base);
    const seen = references && { references: references.groups };
    return networkOf(role, config, origin, {
      steering: { ...steeringBy(controls, base, features), ...seen, regions },
    });
  }

  async weights(role: NetworkRole, options?: WeightsOptions): Promise<WeightSource> {
    const { adapters = [], controls = [], references } = this.#additions;
    const blocks = adapters.length > 0 ? undefined : options?.blocks;
    const source = await this.#placed(role).weights({ ...options, blocks });
    const merged =
      adapters.length > 0 ? await mergeAdapters(source, role, this.network(role), adapters, options) : source;
    if (role !== 'denoiser') return merged;
    const steered = controls.length > 0 ? await withControlWeights(merged, controls) : merged;
    return references ? withReferenceWeights(steered, references.model) : steered;
  }

  #placed(role: NetworkRole): PlacedNetwork {
    const { networks, kind, encoder } = this.#layout;
    if (role === 'vae-encoder' && encoder) return encoder;
    const placed = networks.get(placeOf(role, kind.denoiser).folder);
    if (!placed) throw new InputError(`${this.name} has no ${role}.`);
    return placed;
  }
}
