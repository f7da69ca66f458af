import type { Arithmetic, Precision } from '../../shared/api.ts';
import type { Network } from '../graph/network.ts';
import type { Model } from '../models/model.ts';
import type { Part } from '../models/parts.ts';
import { CLIP_TOKENS } from '../networks/clip-text.ts';
import type { Statistics } from '../quantization/statistics.ts';
import type { WeightsOptions } from '../weights/source.ts';
import type { Backend, Program } from './backend.ts';
import { CropNetwork } from './crops/crop-network.ts';
import { PLANAR, type RowsOptions } from './forms/form.ts';
import { predictDenoiser } from './memory-plan.ts';
import { Precisions, type PrepareOptions } from './precisions.ts';
import { type ProgramKey, Programs } from './programs.ts';
import { calibrate, type Drive } from './unet/calibrate.ts';
import { UNetDenoiser } from './unet/unet-denoiser.ts';
import { UNetForms } from './unet/unet-forms.ts';

/** Weights of a denoiser that can be held twice. */
const SMALL_BYTES = 64 * 2 ** 20;

/** A model's networks, each loaded when it is first needed. */
export class Components {
  readonly model: Model;
  readonly #backend: Backend;
  readonly #threads: number;
  readonly #programs = new Programs();
  readonly #precisions: Precisions;
  /** The forms in which the denoiser is loaded; pipelines ask for a `denoiser` instead. */
  readonly forms: UNetForms;
  #textPrecision: Precision = 'fp32';

  constructor(model: Model, backend: Backend, threads: number) {
    this.model = model;
    this.#backend = backend;
    this.#threads = threads;
    this.#precisions = new Precisions(model, () => backend.largestInt8());
    this.forms = new UNetForms({
      // A model that has no denoiser of its own, such as a fast decoder, is never asked for it.
      network: () => model.network('denoiser'),
      backend,
      programs: this.#programs,
      isSmall: () => this.isSmall(),
      compile: (network, key) => this.#compiled({ ...key, part: 'denoiser' }, network),
    });
  }

  network(part: Part): Network {
    return this.model.network(part);
  }

  /** Opens the weights of some parts, which takes a while where LoRA files are to be merged into them. */
  async open(parts: readonly Part[], options: WeightsOptions): Promise<void> {
    for (const part of parts) await this.#precisions.stored(part, options);
  }

  /** A network in planar form; a text encoder in the precision that `prepareText` was last called with. */
  program(part: Part): Promise<Program> {
    const isText = part !== 'denoiser' && this.#precisions.has(part, this.#textPrecision);
    const precision = isText ? this.#textPrecision : 'fp32';
    return this.#compiled({ part, of: 'whole', precision, form: PLANAR });
  }

  /**
   * Quantizes the denoiser for a precision, or finds it quantized. `drive` uses the float32 denoiser as it is used, to
   * see the size of what its products read; without it weights are plainly rounded.
   */
  async prepare(precision: Precision, drive?: Drive, options: PrepareOptions = {}): Promise<void> {
    if (precision === 'fp32') return;
    const watch = drive && (() => this.#watch(drive));
    await this.#precisions.quantize('denoiser', precision, { ...options, calibrate: watch });
  }

  /**
   * Makes the text encoders ready in a precision. Small ones stay float32: there is nothing to win. Those that are loaded
   * in another precision are freed.
   */
  async prepareText(
    parts: readonly Part[],
    precision: Precision,
    options: PrepareOptions = {},
  ): Promise<void> {
    if (precision === this.#textPrecision) return;
    for (const part of parts) {
      if ((await this.#precisions.stored(part)).bytes < SMALL_BYTES) continue;
      if (precision !== 'fp32') await this.#precisions.quantize(part, precision, options);
      await this.#programs.free((key) => key.part === part);
    }
    this.#textPrecision = precision;
  }

  /** The precision that the text encoders were made ready in. */
  get textPrecision(): Precision {
    return this.#textPrecision;
  }

  /** Nothing where memory is too short for the float32 denoiser, which a quantized one is to save. */
  async #watch(drive: Drive): Promise<Statistics | undefined> {
    const { defaults, autoencoder } = this.model;
    const [width, height] = [defaults.width, defaults.height].map((side) => side / autoencoder.scale);
    const extent = { width: width!, height: height!, batch: 2, tokens: CLIP_TOKENS };
    const form = { precision: 'fp32', rows: true } as const;
    const { weights, values } = predictDenoiser(this.network('denoiser'), extent, form);
    if (weights + values > this.#backend.availableBytes()) return undefined;
    const options = {
      foldUpsampling: false,
      storage: 'float32',
      statistics: 'fresh',
      attention: 'full',
      watch: true,
    } as const;
    try {
      return await calibrate(await this.forms.rows(options), drive);
    } finally {
      await this.#programs.free(({ form }) => form.kind === 'rows' && form.options.watch === true);
      await this.#freeConditioning('fp32');
    }
  }

  /** The denoiser in one precision and with one kind of attention; quantized after `prepare`. */
  denoiser(arithmetic: Arithmetic, change: Partial<RowsOptions> = {}): UNetDenoiser {
    return new UNetDenoiser(this.forms, arithmetic, change);
  }

  /** Whether a step of the denoiser is a few hundred small operators, whatever their form. */
  async isSmall(): Promise<boolean> {
    return (await this.#precisions.stored('denoiser')).bytes < SMALL_BYTES;
  }

  /** A part of the autoencoder that can compute a rectangle of its output. */
  async cropNetwork(part: 'vae-decoder' | 'vae-encoder'): Promise<CropNetwork> {
    const program = await this.#compiled({ part, of: 'whole', precision: 'fp32', form: { kind: 'crops' } });
    return new CropNetwork(program, this.network(part));
  }

  /** Frees the networks of some parts; they are loaded again when they are needed. */
  async free(...parts: readonly Part[]): Promise<void> {
    await this.#programs.free(({ part }) => parts.includes(part));
  }

  /** True if any network is loaded. */
  get loaded(): boolean {
    return this.#programs.has(() => true);
  }

  /** Bytes on disk of the weights that the denoiser reads in a precision; of a quantized one after `prepare`. */
  async denoiserBytes(precision: Precision): Promise<number> {
    return (await this.#precisions.get('denoiser', precision)).bytes;
  }

  /** Frees every loaded network. */
  async release(): Promise<void> {
    await this.#programs.free(() => true);
  }

  /** Frees what turns text and timesteps into inputs of the rows form, unless a rows form of the precision is loaded. */
  async #freeConditioning(precision: Precision): Promise<void> {
    if (this.#programs.has((key) => key.form.kind === 'rows' && key.precision === precision)) return;
    await this.#programs.free((key) => key.of !== 'whole' && key.precision === precision);
  }

  #compiled(key: ProgramKey, network = this.network(key.part)): Promise<Program> {
    return this.#programs.get(key, async () => {
      const weights = await this.#precisions.get(key.part, key.precision);
      return this.#backend.compile(network, weights, key.form, { threads: this.#threads });
    });
  }
}
