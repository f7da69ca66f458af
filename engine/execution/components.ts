import { cacheFolder, path } from '#host';
import type { Arithmetic, Precision } from '../../shared/api.ts';
import type { Network } from '../graph/network.ts';
import type { Model, WeightsOptions } from '../models/model.ts';
import { PARTS, type Part } from '../models/parts.ts';
import type { QuantizedPrecision } from '../quantization/choice.ts';
import { type QuantizeRequest, quantize } from '../quantization/quantize.ts';
import { largestInt8 } from '../quantization/self-check.ts';
import type { Statistics } from '../quantization/statistics.ts';
import { type Weights, WeightTable } from '../weights/table.ts';
import { calibrate, type Drive } from './calibrate.ts';
import { CropNetwork } from './crop-network.ts';
import { shiftNetwork, textNetwork } from './lowering/conditioning.ts';
import { lowerCrops } from './lowering/crops.ts';
import type { OnnxModel } from './lowering/onnx/onnx.ts';
import { lowerPlanar } from './lowering/planar.ts';
import { lowerRows, type RowsOptions } from './lowering/rows.ts';
import { machineSpeed } from './machine-speed.ts';
import { predictUNet } from './memory-plan.ts';
import { RowsUNet } from './rows-unet.ts';
import type { Runtime, Session } from './runtime.ts';

/** Weights of a U-Net that can be held twice. */
const SMALL_BYTES = 64 * 2 ** 20;

/** How many times faster rows must be, since they take more memory. */
const ROWS_WORTH = 1.1;

/** The U-Net in rows form: as passes over a part run, and as passes that are recorded run, loaded when asked for. */
export interface EditingUNet {
  editing: RowsUNet;
  recording: () => Promise<RowsUNet>;
}

/** Of latents. */
interface Extent {
  height: number;
  width: number;
}

export type PrepareOptions = Pick<QuantizeRequest, 'onProgress' | 'signal'>;

/** A model's networks, each loaded when it is first needed. */
export class Components {
  readonly model: Model;
  readonly #runtime: Runtime;
  readonly #threads: number;
  readonly #sessions = new Map<string, Promise<Session>>();
  readonly #rowsUNets = new WeakMap<Session, RowsUNet>();
  readonly #tables = new Map<Part, Promise<WeightTable>>();
  readonly #quantized = new Map<Precision, Weights>();
  readonly #quantizedTexts = new Map<Part, Weights>();
  #textPrecision: Precision = 'fp32';

  constructor(model: Model, runtime: Runtime, threads: number) {
    this.model = model;
    this.#runtime = runtime;
    this.#threads = threads;
  }

  network(part: Part): Network {
    return this.model.network(part);
  }

  /** Opens the weights of some parts, which takes a while where LoRA files are to be merged into them. */
  async open(parts: readonly Part[], options: WeightsOptions): Promise<void> {
    for (const part of parts) await this.#weights(part, options);
  }

  /** A network in planar form; a text encoder in the precision that `prepareText` was last called with. */
  session(part: Part): Promise<Session> {
    return this.#session(part, async () => {
      const weights = this.#quantizedTexts.get(part) ?? (await this.#weights(part));
      return lowerPlanar(this.network(part), weights);
    });
  }

  /**
   * Quantizes the U-Net for a precision, or finds it quantized. `drive` uses the float32 U-Net as it is used, to see
   * the size of what its products read; without it weights are plainly rounded.
   */
  async prepare(precision: Precision, drive?: Drive, options: PrepareOptions = {}): Promise<void> {
    if (precision === 'fp32' || this.#quantized.has(precision)) return;
    const calibrate = drive && (() => this.#watch(drive));
    this.#quantized.set(precision, await this.#quantize('unet', precision, { ...options, calibrate }));
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
      if ((await this.#weights(part)).bytes < SMALL_BYTES) continue;
      const table = precision === 'fp32' ? undefined : await this.#quantize(part, precision, options);
      if (table) this.#quantizedTexts.set(part, table);
      else this.#quantizedTexts.delete(part);
      await this.#forget(part);
    }
    this.#textPrecision = precision;
  }

  /** The precision that the text encoders were made ready in. */
  get textPrecision(): Precision {
    return this.#textPrecision;
  }

  async #quantize(
    part: Part,
    precision: QuantizedPrecision,
    options: PrepareOptions & Pick<QuantizeRequest, 'calibrate'>,
  ): Promise<Weights> {
    return quantize({
      ...options,
      network: this.network(part),
      weights: await this.#weights(part),
      precision,
      most: await largestInt8(this.#runtime),
      folder: path.join(cacheFolder(), 'quantized'),
    });
  }

  /** Nothing where memory is too short for the float32 U-Net, which a quantized one is to save. */
  async #watch(drive: Drive): Promise<Statistics | undefined> {
    const { defaults, autoencoder } = this.model;
    const [width, height] = [defaults.width, defaults.height].map((side) => side / autoencoder.scale);
    const extent = { width: width!, height: height!, batch: 2, tokens: 77 };
    const { weights, values } = predictUNet(this.network('unet'), extent, { precision: 'fp32', rows: true });
    if (weights + values > this.#runtime.availableBytes()) return undefined;
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
      await this.#forget(rowsKey(options, 'fp32'));
      await this.#forgetConditioning('fp32');
    }
  }

  /** The U-Net in rows form; quantized ones after `prepare`. */
  async rowsUNet(options: RowsOptions, precision: Precision = 'fp32'): Promise<RowsUNet> {
    const network = this.network('unet');
    const weights = await this.#unetWeights(precision);
    const rows = await this.#session(rowsKey(options, precision), () => lowerRows(network, weights, options));
    const conditioning = async (part: Network) =>
      part.outputs.size > 0
        ? this.#session(conditioningKey(part, precision), () => lowerPlanar(part, weights))
        : undefined;
    const [text, shift] = [
      await conditioning(textNetwork(network)),
      await conditioning(shiftNetwork(network)),
    ];
    const known = this.#rowsUNets.get(rows) ?? new RowsUNet({ rows, text, shift }, network, options);
    this.#rowsUNets.set(rows, known);
    return known;
  }

  /**
   * The U-Net in the forms that an edit of latents of this size takes. A small one is loaded twice: with recorded
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
    const foldUpsampling = precision !== 'int4' && RowsUNet.canFold(this.network('unet'), height, width);
    return { foldUpsampling, storage: (await this.isSmall()) ? 'float32' : 'int8', attention };
  }

  /**
   * The U-Net in rows form for whole pictures of latents of this size, of which nothing is recorded: the one that
   * records where that is loaded, else one that takes less memory.
   */
  async drawingUNet(extent: Extent, { precision, attention = 'full' }: Arithmetic): Promise<RowsUNet> {
    const forms = await this.#formsOf(extent, { precision, attention });
    const recording = { ...forms, statistics: 'any' } as const;
    if (this.#sessions.has(rowsKey(recording, precision))) return this.rowsUNet(recording, precision);
    return this.rowsUNet({ ...forms, statistics: 'fresh' }, precision);
  }

  /** Frees the forms of the U-Net that only draw whole pictures, before those that edit are loaded. */
  async freeDrawing(): Promise<void> {
    if (await this.isSmall()) return;
    for (const key of [...this.#sessions.keys()])
      if (key === 'unet' || key.includes(FRESH_KEY)) await this.#forget(key);
  }

  /** Whether a step of the U-Net is a few hundred small operators, whatever their form. */
  async isSmall(): Promise<boolean> {
    return (await this.#weights('unet')).bytes < SMALL_BYTES;
  }

  /** Whether whole pictures are drawn faster by the rows form than by the planar one, both in float32. */
  async rowsAreFaster(): Promise<boolean> {
    if (await this.isSmall()) return false;
    const { planar, rows } = await machineSpeed(this.#runtime);
    return planar > ROWS_WORTH * rows;
  }

  /** A part of the autoencoder that can compute a rectangle of its output. */
  async cropNetwork(part: 'vae-decoder' | 'vae-encoder'): Promise<CropNetwork> {
    const network = this.network(part);
    const session = await this.#session(`crops ${part}`, async () =>
      lowerCrops(network, await this.#weights(part)),
    );
    return new CropNetwork(session, network);
  }

  /** Frees the networks of some parts; they are loaded again when they are needed. */
  async free(...parts: readonly Part[]): Promise<void> {
    const others = PARTS.filter((part) => part !== 'unet');
    const partOf = (key: string) => others.find((part) => key === part || key === `crops ${part}`) ?? 'unet';
    for (const key of [...this.#sessions.keys()]) if (parts.includes(partOf(key))) await this.#forget(key);
  }

  /** True if any network is loaded. */
  get loaded(): boolean {
    return this.#sessions.size > 0;
  }

  /** Bytes on disk of the weights that the U-Net reads in a precision; of a quantized one after `prepare`. */
  async unetBytes(precision: Precision): Promise<number> {
    return (await this.#unetWeights(precision)).bytes;
  }

  /** Frees every loaded network. */
  async release(): Promise<void> {
    for (const key of [...this.#sessions.keys()]) await this.#forget(key);
  }

  /** Frees what turns text and timesteps into inputs of the rows form, unless a rows form of the precision is loaded. */
  async #forgetConditioning(precision: Precision): Promise<void> {
    if ([...this.#sessions.keys()].some((key) => key.startsWith(`rows ${precision} `))) return;
    for (const network of [textNetwork, shiftNetwork])
      await this.#forget(conditioningKey(network(this.network('unet')), precision));
  }

  async #forget(key: string): Promise<void> {
    const session = this.#sessions.get(key);
    this.#sessions.delete(key);
    await session?.then((loaded) => loaded.release()).catch(() => {});
  }

  /** A part's weights, whose headers are read once. */
  #weights(part: Part, options?: WeightsOptions): Promise<WeightTable> {
    let table = this.#tables.get(part);
    if (!table) {
      table = this.model.weights(part, options).then((source) => new WeightTable(this.network(part), source));
      this.#tables.set(part, table);
      table.catch(() => this.#tables.delete(part));
    }
    return table;
  }

  async #unetWeights(precision: Precision): Promise<Weights> {
    if (precision === 'fp32') return this.#weights('unet');
    const table = this.#quantized.get(precision);
    if (!table) throw new Error(`the U-Net was not prepared for ${precision}`);
    return table;
  }

  #session(key: string, lower: () => OnnxModel | Promise<OnnxModel>): Promise<Session> {
    let session = this.#sessions.get(key);
    if (!session) {
      session = this.#load(lower);
      this.#sessions.set(key, session);
      session.catch(() => this.#sessions.delete(key));
    }
    return session;
  }

  async #load(lower: () => OnnxModel | Promise<OnnxModel>): Promise<Session> {
    return this.#runtime.load(await lower(), { threads: this.#threads });
  }
}

function rowsKey(options: RowsOptions, precision: Precision): string {
  return `rows ${precision} ${JSON.stringify(options)}`;
}

/** In the keys of forms that only draw whole pictures. */
const FRESH_KEY = '"statistics":"fresh"';

function conditioningKey({ name }: Network, precision: Precision): string {
  return `${name} ${precision}`;
}
