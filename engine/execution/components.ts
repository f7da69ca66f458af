import type { Arithmetic, Precision } from '../../shared/api.ts';
import type { Network } from '../graph/network.ts';
import type { Model, WeightsOptions } from '../models/model.ts';
import type { Part } from '../models/parts.ts';
import type { Statistics } from '../quantization/statistics.ts';
import type { Backend, Program } from './backend.ts';
import { calibrate, type Drive } from './calibrate.ts';
import { CropNetwork } from './crop-network.ts';
import { shiftNetwork, textNetwork } from './forms/conditioning.ts';
import { type Form, PLANAR, type RowsOptions } from './forms/form.ts';
import { predictDenoiser } from './memory-plan.ts';
import { Precisions, type PrepareOptions } from './precisions.ts';
import { type ProgramKey, Programs } from './programs.ts';
import { RowsUNet } from './rows-unet.ts';

/** Weights of a denoiser that can be held twice. */
const SMALL_BYTES = 64 * 2 ** 20;

/** How many times faster rows must be, since they take more memory. */
const ROWS_WORTH = 1.1;

/** The denoiser in rows form: as passes over a part run, and as passes that are recorded run, loaded when asked for. */
export interface EditingUNet {
  editing: RowsUNet;
  recording: () => Promise<RowsUNet>;
}

/** Height and width of latents. */
interface Extent {
  height: number;
  width: number;
}

/** A model's networks, each loaded when it is first needed. */
export class Components {
  readonly model: Model;
  readonly #backend: Backend;
  readonly #threads: number;
  readonly #programs = new Programs();
  readonly #precisions: Precisions;
  readonly #rowsUNets = new WeakMap<Program, RowsUNet>();
  #textPrecision: Precision = 'fp32';

  constructor(model: Model, backend: Backend, threads: number) {
    this.model = model;
    this.#backend = backend;
    this.#threads = threads;
    this.#precisions = new Precisions(model, () => backend.largestInt8());
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
    return this.#compiled(part, isText ? this.#textPrecision : 'fp32', PLANAR);
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
    const extent = { width: width!, height: height!, batch: 2, tokens: 77 };
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
      return await calibrate(await this.rowsUNet(options), drive);
    } finally {
      await this.#programs.free(({ form }) => form.kind === 'rows' && form.options.watch === true);
      await this.#freeConditioning('fp32');
    }
  }

  /** The denoiser in rows form; quantized ones after `prepare`. */
  async rowsUNet(options: RowsOptions, precision: Precision = 'fp32'): Promise<RowsUNet> {
    const network = this.network('denoiser');
    const rows = await this.#compiled('denoiser', precision, { kind: 'rows', options });
    const conditioning = async (of: 'text' | 'shift') =>
      partOf(network, of).outputs.size > 0 ? this.#compiled('denoiser', precision, PLANAR, of) : undefined;
    const [text, shift] = [await conditioning('text'), await conditioning('shift')];
    const known = this.#rowsUNets.get(rows) ?? new RowsUNet({ rows, text, shift }, network, options);
    this.#rowsUNets.set(rows, known);
    return known;
  }

  /**
   * The denoiser in the forms that an edit of latents of this size takes. A small one is loaded twice: with recorded
   * statistics it has fewer operators, which is what its passes over a few rows cost, and its features are kept as they
   * are, not as bytes.
   */
  async editingUNet(extent: Extent, arithmetic: Arithmetic): Promise<EditingUNet> {
    const forms = await this.#formsOf(extent, arithmetic);
    const { precision } = arithmetic;
    const statistics = (await this.isSmall()) ? 'recorded' : 'any';
    return {
      editing: await this.rowsUNet({ ...forms, statistics }, precision),
      recording: () => this.rowsUNet({ ...forms, statistics: 'any' }, precision),
    };
  }

  async #formsOf(
    { height, width }: Extent,
    { precision, attention = 'full' }: Arithmetic,
  ): Promise<Omit<RowsOptions, 'statistics'>> {
    // The matrices of folded upsampling are larger; int4 is for machines short of memory.
    const foldUpsampling = precision !== 'int4' && RowsUNet.canFold(this.network('denoiser'), height, width);
    const asBytes = !(await this.isSmall()) && this.#backend.can.operator('TensorScatter');
    return { foldUpsampling, storage: asBytes ? 'int8' : 'float32', attention };
  }

  /**
   * The denoiser in rows form for whole pictures of latents of this size, of which nothing is recorded: the one that
   * records where that is loaded, else one that takes less memory.
   */
  async drawingUNet(extent: Extent, { precision, attention = 'full' }: Arithmetic): Promise<RowsUNet> {
    const forms = await this.#formsOf(extent, { precision, attention });
    const recording = { ...forms, statistics: 'any' } as const;
    const isLoaded = this.#programs.has(
      ({ part, precision: loaded, form }) =>
        part === 'denoiser' &&
        loaded === precision &&
        form.kind === 'rows' &&
        form.options.statistics === 'any' &&
        form.options.attention === attention &&
        form.options.foldUpsampling === forms.foldUpsampling,
    );
    return this.rowsUNet(isLoaded ? recording : { ...forms, statistics: 'fresh' }, precision);
  }

  /** Frees the forms of the denoiser that only draw whole pictures, before those that edit are loaded. */
  async freeDrawing(): Promise<void> {
    if (await this.isSmall()) return;
    await this.#programs.free(
      ({ part, of, form }) =>
        part === 'denoiser' &&
        of === 'whole' &&
        (form.kind === 'planar' || (form.kind === 'rows' && form.options.statistics === 'fresh')),
    );
  }

  /** Whether a step of the denoiser is a few hundred small operators, whatever their form. */
  async isSmall(): Promise<boolean> {
    return (await this.#precisions.stored('denoiser')).bytes < SMALL_BYTES;
  }

  /** Whether whole pictures are drawn faster by the rows form than by the planar one, both in float32. */
  async rowsAreFaster(): Promise<boolean> {
    if (await this.isSmall()) return false;
    const { planar, rows } = await this.#backend.formSpeed();
    return planar > ROWS_WORTH * rows;
  }

  /** A part of the autoencoder that can compute a rectangle of its output. */
  async cropNetwork(part: 'vae-decoder' | 'vae-encoder'): Promise<CropNetwork> {
    const program = await this.#compiled(part, 'fp32', { kind: 'crops' });
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

  #compiled(part: Part, precision: Precision, form: Form, of: ProgramKey['of'] = 'whole'): Promise<Program> {
    return this.#programs.get({ part, of, precision, form }, async () => {
      const weights = await this.#precisions.get(part, precision);
      return this.#backend.compile(partOf(this.network(part), of), weights, form, { threads: this.#threads });
    });
  }
}

/** A network, or the part of it that reads its conditions alone. */
function partOf(network: Network, of: ProgramKey['of']): Network {
  if (of === 'whole') return network;
  return of === 'text' ? textNetwork(network) : shiftNetwork(network);
}
