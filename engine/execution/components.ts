import { type Arithmetic, isFloat, type Precision } from '../../shared/api.ts';
import type { Network } from '../graph/network.ts';
import type { Model } from '../models/model.ts';
import type { NetworkRole } from '../models/networks.ts';
import { TRANSFORMER } from '../networks/transformer.ts';
import { INT8_MOST } from '../quantization/arithmetic.ts';
import { identityOf } from '../quantization/identity.ts';
import type { Statistics } from '../quantization/statistics.ts';
import { stagesOf } from '../regions/stages.ts';
import { requireUnchanged } from '../weights/file-version.ts';
import type { WeightsOptions } from '../weights/source.ts';
import { type Backend, hasByteProducts, type Program } from './backend.ts';
import type { CalibrationRuns } from './calibration.ts';
import { CropNetwork } from './crops/crop-network.ts';
import { decoderPrecision } from './decoder-precision.ts';
import type { Denoiser } from './denoiser.ts';
import { textLength } from './denoiser-inputs.ts';
import { type Form, PLANAR, type RowsOptions } from './forms/form.ts';
import { predictDenoiser, type StoredForm, type StoredForms } from './memory-plan.ts';
import { Precisions, type PrepareOptions } from './precisions.ts';
import { type ProgramKey, Programs } from './programs.ts';
import type { Grid } from './transformer/token-plan.ts';
import { TransformerDenoiser } from './transformer/transformer-denoiser.ts';
import { TransformerForms } from './transformer/transformer-forms.ts';
import { calibrate } from './unet/calibrate.ts';
import { UNetDenoiser } from './unet/unet-denoiser.ts';
import { UNetForms } from './unet/unet-forms.ts';

/** A denoiser with fewer bytes of weights may be loaded in two forms at once. Other networks are not quantized. */
const SMALL_BYTES = 64 * 2 ** 20;

/** A model's networks, each loaded on first use. */
export class Components {
  readonly model: Model;
  readonly #backend: Backend;
  readonly #threads: number;
  readonly #keepsFeatures: boolean;
  readonly #programs = new Programs();
  readonly #precisions: Precisions;
  /** Forms in which a U-Net is loaded. Pipelines use `denoiser` instead. */
  readonly forms: UNetForms;
  readonly #transformer: TransformerForms;
  #textPrecision: Precision = 'fp32';
  #decoderPrecision: Precision = 'fp32';

  /**
   * `keepsAll`: forms of the denoiser do not make room for each other, for callers that run several in turn.
   * `keepsFeatures`: on the device that computes them, for edits by this process alone.
   */
  constructor(
    model: Model,
    backend: Backend,
    threads: number,
    { keepsAll = false, keepsFeatures = false } = {},
  ) {
    this.model = model;
    this.#backend = backend;
    this.#threads = threads;
    this.#keepsFeatures = keepsFeatures;
    this.#precisions = new Precisions(model, backend);
    const source = {
      // Lazy, because some models have no denoiser: a fast decoder.
      network: () => model.network('denoiser'),
      programs: this.#programs,
      threads,
      isSmall: () => this.isSmall(),
      keepsAll,
      compile: (network: Network, key: Omit<ProgramKey, 'role'>) =>
        this.#compiled({ ...key, role: 'denoiser' }, network),
    };
    this.forms = new UNetForms({ ...source, backend, keepsFeatures });
    this.#transformer = new TransformerForms({ ...source, backend, keepsFeatures });
  }

  get #isTransformer(): boolean {
    return this.network('denoiser').name === TRANSFORMER;
  }

  network(role: NetworkRole): Network {
    return this.model.network(role);
  }

  /** Opens the weights of some networks. Takes a while if LoRA files must be merged into them. */
  async open(roles: readonly NetworkRole[], options: WeightsOptions): Promise<void> {
    for (const role of roles) await this.#precisions.stored(role, options);
  }

  /** A network in planar form; a text encoder or the decoder in the precision that was prepared last. */
  program(role: NetworkRole): Promise<Program> {
    return this.#compiled({ role, of: 'whole', precision: this.#precisionOf(role), form: PLANAR });
  }

  /** A language model that goes on from tokens before; undefined if the backend has no form for it. */
  async continued(role: NetworkRole): Promise<Program | undefined> {
    if (!this.#backend.can.operator('Trilu')) return undefined;
    const precision = this.#precisionOf(role);
    return this.#compiled({ role, of: 'whole', precision, form: { kind: 'continued' } });
  }

  #precisionOf(role: NetworkRole): Precision {
    if (role === 'vae-decoder') return this.#decoderPrecision;
    const isText = role !== 'denoiser' && this.#precisions.has(role, this.#textPrecision);
    return isText ? this.#textPrecision : 'fp32';
  }

  /**
   * Quantizes the denoiser for a precision, unless it is quantized already. `runs` runs the float32 denoiser on
   * representative inputs for calibration; without it weights are only rounded.
   */
  async prepare(precision: Precision, runs?: CalibrationRuns, options: PrepareOptions = {}): Promise<void> {
    if (isFloat(precision)) return;
    // Transformers are not calibrated: their weights are only rounded.
    const watch = runs && !this.#isTransformer ? () => this.#watch(runs) : undefined;
    await this.#precisions.quantize('denoiser', precision, { ...options, calibrate: watch });
  }

  /**
   * Prepares the text encoders in a precision and frees those loaded in another. Small ones stay float32, because there
   * is nothing to gain.
   */
  async prepareText(
    roles: readonly NetworkRole[],
    precision: Precision,
    options: PrepareOptions = {},
  ): Promise<void> {
    // Text encoders take little time, so nothing is gained with float16.
    const wanted = isFloat(precision) ? 'fp32' : precision;
    if (wanted === this.#textPrecision) return;
    for (const role of roles) {
      if ((await this.#precisions.stored(role)).bytes < SMALL_BYTES) continue;
      if (wanted !== 'fp32') await this.#precisions.quantize(role, wanted, options);
      await this.#programs.free((key) => key.role === role);
    }
    this.#textPrecision = wanted;
  }

  /**
   * Prepares the decoder as fits a precision of the denoiser, and frees it in another. Float32 where products of bytes are
   * not exact, or where it is small.
   */
  async prepareDecoder(precision: Precision, options: PrepareOptions = {}): Promise<void> {
    const role = 'vae-decoder';
    let wanted = decoderPrecision(this.model.autoencoder, precision);
    if (wanted === 'int8' && !(await this.#gainsFromBytes(role))) wanted = 'fp32';
    if (wanted === this.#decoderPrecision) return;
    if (wanted === 'int8') await this.#precisions.quantize(role, wanted, options);
    await this.#programs.free((key) => key.role === role);
    this.#decoderPrecision = wanted;
  }

  async #gainsFromBytes(role: NetworkRole): Promise<boolean> {
    if (!hasByteProducts(this.#backend.can)) return false;
    if ((await this.#precisions.stored(role)).bytes < SMALL_BYTES) return false;
    return (await this.#backend.largestInt8()) === INT8_MOST;
  }

  /**
   * Tells what a text encoder computes from what another does: its weights by their content, its precision and `how`.
   * Undefined for float32, where that content has not been read.
   */
  async textIdentity(role: NetworkRole, how: unknown): Promise<string | undefined> {
    const precision = this.#precisionOf(role);
    if (isFloat(precision)) return undefined;
    const most = await this.#backend.largestInt8();
    return identityOf(this.network(role), await this.#precisions.stored(role), [precision, most, how]);
  }

  /** Precision of the text encoders. */
  get textPrecision(): Precision {
    return this.#textPrecision;
  }

  /** Calibration statistics; undefined if there is not enough memory for the float32 denoiser. */
  async #watch(runs: CalibrationRuns): Promise<Statistics | undefined> {
    const { defaults, autoencoder } = this.model;
    const [width, height] = [defaults.width, defaults.height].map((side) => side / autoencoder.scale);
    const extent = { width: width!, height: height!, batch: 2, tokens: textLength(this.network('denoiser')) };
    const stored = await this.storedForms(['denoiser']);
    const form = { precision: 'fp32', rows: true, stored } as const;
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
      return await calibrate(await this.forms.rows(options), runs);
    } finally {
      await this.#programs.free(({ form }) => form.kind === 'rows' && form.options.watch === true);
      await this.#freeConditioning('fp32');
    }
  }

  /**
   * The denoiser in a precision, with a kind of attention. A quantized one needs `prepare` first.
   * @param images sizes in positions of those that are read beside its own; see `Condition.images`
   */
  denoiser(
    arithmetic: Arithmetic,
    change: Partial<RowsOptions> = {},
    images: readonly Grid[] = [],
  ): Denoiser {
    if (this.#isTransformer) return new TransformerDenoiser(this.#transformer, arithmetic, images);
    return new UNetDenoiser(this.forms, arithmetic, change);
  }

  /** Whether the denoiser is so small that the number of operators decides its speed. */
  async isSmall(): Promise<boolean> {
    return (await this.#precisions.stored('denoiser')).bytes < SMALL_BYTES;
  }

  /** An encoder or decoder that can compute a rectangle of its output. */
  async cropNetwork(role: 'vae-decoder' | 'vae-encoder'): Promise<CropNetwork> {
    const { coarse, fine } = stagesOf(this.network(role));
    const key = { role, precision: this.#precisionOf(role) };
    const program = await this.#compiled({ ...key, of: 'whole', form: { kind: 'crops' } }, fine);
    const before = coarse && (await this.#compiled({ ...key, of: 'coarse', form: PLANAR }, coarse));
    return new CropNetwork(program, this.network(role), before);
  }

  /** See `PlannedPicture`. Opens the weights. */
  async storedForms(roles: readonly NetworkRole[]): Promise<StoredForms> {
    const forms: Partial<Record<NetworkRole, StoredForm>> = {};
    for (const role of roles) {
      const { savedByBlocks, halfBytes } = await this.#precisions.stored(role);
      const isSmall = role === 'denoiser' && (await this.isSmall());
      forms[role] = { savedByBlocks, halfBytes, ...(isSmall && { isSmall }) };
    }
    return forms;
  }

  /** Frees some networks. They are loaded again on next use. */
  async free(...roles: readonly NetworkRole[]): Promise<void> {
    await this.#programs.free(({ role }) => roles.includes(role));
  }

  /** True if any network is loaded. */
  get loaded(): boolean {
    return this.#programs.has(() => true);
  }

  /** Bytes on disk of the denoiser's weights in a precision. A quantized one needs `prepare` first. */
  async denoiserBytes(precision: Precision): Promise<number> {
    return (await this.#precisions.get('denoiser', precision)).bytes;
  }

  /** What the user should know about how its weights are stored. */
  notices(): Promise<string[]> {
    return this.#precisions.notices();
  }

  /** @throws InputError if a file of the model is not what it was when it was opened */
  async requireUnchanged(): Promise<void> {
    await requireUnchanged(await this.#precisions.files());
  }

  /** Frees every loaded network. */
  async release(): Promise<void> {
    await this.#programs.free(() => true);
  }

  /** Frees the conditioning networks of the rows form, unless a rows form of this precision is loaded. */
  async #freeConditioning(precision: Precision): Promise<void> {
    if (this.#programs.has((key) => key.form.kind === 'rows' && key.precision === precision)) return;
    await this.#programs.free((key) => key.of !== 'whole' && key.precision === precision);
  }

  #compiled(key: ProgramKey, network = this.network(key.role)): Promise<Program> {
    return this.#programs.get(key, async () => {
      const weights = await this.#precisions.get(key.role, key.precision);
      const half = key.precision === 'fp16';
      const keeps = this.#keepsFeatures ? keptBy(key.form) : undefined;
      const options = { threads: key.threads ?? this.#threads, half, ...(keeps && { keeps }) };
      return this.#backend.compile(network, weights, key.form, options);
    });
  }
}

/** The outputs of a form that later runs read. */
function keptBy(form: Form): (output: string) => boolean {
  const { kind } = form;
  const records = kind === 'rows' || (kind === 'tokens' && form.storage !== undefined);
  return (output) => kind === 'taking' || kind === 'putting' || (records && output.startsWith('new.'));
}
