import { type Arithmetic, type FloatPrecision, isFloat, type Precision } from '../../../shared/api.ts';
import type { Network } from '../../graph/network.ts';
import { isInBlocks } from '../../networks/weight-forms.ts';
import { type Backend, hasByteProducts, type Program } from '../backend.ts';
import { shiftNetwork, textNetwork } from '../forms/conditioning.ts';
import { type Form, PLANAR, type RowsOptions } from '../forms/form.ts';
import type { ProgramKey, Programs } from '../programs.ts';
import type { KeptPrograms } from './kept-features.ts';
import { rectangleLevels } from './rectangles.ts';
import { RowsUNet } from './rows-unet.ts';
import { shallowNetwork, withDeep } from './shallow.ts';
import { storageOf } from './storage.ts';

/** How many times faster rows must be to justify their memory. */
const ROWS_WORTH = 1.1;

/** A U-Net in the rows forms for editing and for recording; the latter is loaded on first use. */
export interface EditingForms {
  editing: RowsUNet;
  recording: () => Promise<RowsUNet>;
}

/** Height and width of latents. */
interface Extent {
  height: number;
  width: number;
}

/** What forms of a U-Net are loaded from. */
interface UNetSource {
  network: () => Network;
  /** Which of a model's networks it is. */
  of?: 'whole' | 'giving' | 'shallow';
  backend: Backend;
  /** Features stay on the device that computes them. */
  keepsFeatures: boolean;
  programs: Programs;
  /** Threads of a run. */
  threads: number;
  /** Whether the U-Net is so small that the number of operators decides its speed and weights may be loaded twice. */
  isSmall: () => Promise<boolean>;
  /** Whether every loaded form stays loaded; else one makes room for another. */
  keepsAll: boolean;
  compile: (network: Network, key: Omit<ProgramKey, 'role'>) => Promise<Program>;
}

/** The forms in which a U-Net is loaded, and the choice between them. */
export class UNetForms {
  readonly #source: UNetSource;
  readonly #of: NonNullable<UNetSource['of']>;
  readonly #rows = new WeakMap<Program, RowsUNet>();
  readonly #network: () => Network;
  #hasEdited = false;

  constructor(source: UNetSource) {
    this.#source = source;
    this.#of = source.of ?? 'whole';
    this.#network = once(source.network);
  }

  /** The forms of the network that also gives its deep features. */
  readonly giving = once(() => this.#variant('giving', withDeep));

  /** The forms of what follows them. */
  readonly shallow = once(() => this.#variant('shallow', shallowNetwork));

  #variant(of: 'giving' | 'shallow', made: (network: Network) => Network): UNetForms {
    return new UNetForms({ ...this.#source, of, network: () => made(this.network) });
  }

  get network(): Network {
    return this.#network();
  }

  isSmall(): Promise<boolean> {
    return this.#source.isSmall();
  }

  /** The planar form. */
  planar(precision: FloatPrecision = 'fp32'): Promise<Program> {
    return this.#compile(precision, PLANAR);
  }

  /** A rows form. Quantized ones need `Components.prepare` first. */
  async rows(options: RowsOptions, precision: Precision = 'fp32', threads?: number): Promise<RowsUNet> {
    const { network } = this;
    const rows = await this.#compile(precision, { kind: 'rows', options }, this.#of, network, threads);
    const conditioning = async (of: 'text' | 'shift', part: Network) =>
      part.outputs.size > 0
        ? this.#compile(precision, PLANAR, this.#of === 'shallow' ? `shallow-${of}` : of, part)
        : undefined;
    const [text, shift] = [
      await conditioning('text', textNetwork(network)),
      await conditioning('shift', shiftNetwork(network)),
    ];
    const kept = await this.#kept(options, precision);
    const programs = { rows, text, shift, ...(kept && { kept }) };
    const known = this.#rows.get(rows) ?? new RowsUNet(programs, network, options);
    this.#rows.set(rows, known);
    return known;
  }

  /** The programs by which features are read and replaced on the device, where they stay there. */
  async #kept({ statistics, storage }: RowsOptions, precision: Precision): Promise<KeptPrograms | undefined> {
    if (!this.#source.keepsFeatures || !['any', 'recorded'].includes(statistics)) return undefined;
    if (storage === 'int8') return undefined;
    const [taking, putting] = (['taking', 'putting'] as const).map((kind) =>
      this.#compile(precision, { kind, storage }),
    );
    return { taking: await taking!, putting: await putting! };
  }

  /**
   * The forms for editing latents of this size. Features of a small U-Net are stored as float32 instead of bytes, and
   * its statistics are composed: with recorded ones an edit is 3 dB and more farther from the dense one. Where features
   * stay on the device it is loaded twice instead: the form with recorded statistics has fewer operators, whose number
   * decides its speed.
   */
  async editing(
    extent: Extent,
    { precision, attention }: Arithmetic,
    change: Partial<RowsOptions> = {},
  ): Promise<EditingForms> {
    const composed = await this.#composed(extent, { precision, attention }, change);
    if (composed) {
      const unet = await this.rows(composed, precision);
      return { editing: unet, recording: async () => unet };
    }
    const forms = { ...(await this.#optionsFor(extent, { precision, attention })), ...change };
    const isSmall = await this.isSmall();
    const statistics = isSmall ? 'recorded' : 'any';
    return {
      editing: await this.rows({ ...forms, statistics: change.storage ? 'any' : statistics }, precision),
      recording: () => this.rows({ ...forms, statistics: 'any' }, precision),
    };
  }

  /** The options of a form with composed statistics; undefined where there is none. */
  async #composed(
    extent: Extent,
    arithmetic: Arithmetic,
    change: Partial<RowsOptions>,
  ): Promise<RowsOptions | undefined> {
    if (this.#source.keepsFeatures || change.storage || !(await this.isSmall())) return undefined;
    return { ...(await this.#optionsFor(extent, arithmetic)), ...change, statistics: 'composed' };
  }

  /**
   * The form for editing a small part in one thread, once it is loaded: dividing the little work of each
   * operator among threads takes longer than doing it.
   */
  async inOneThread(
    extent: Extent,
    arithmetic: Arithmetic,
    change: Partial<RowsOptions> = {},
  ): Promise<RowsUNet | undefined> {
    const options = await this.#composed(extent, arithmetic, change);
    if (!options) return undefined;
    const { precision } = arithmetic;
    const form = { kind: 'rows', options } as const;
    const isLoaded = this.#source.programs.holds({
      role: 'denoiser',
      of: this.#of,
      precision,
      form,
      threads: 1,
    });
    return isLoaded ? this.rows(options, precision, 1) : undefined;
  }

  /** Loads the form for `inOneThread`, if there is one; when it is asked to again, or at once: see `Denoiser.settle`. */
  async loadInOneThread(
    extent: Extent,
    arithmetic: Arithmetic,
    change: Partial<RowsOptions> = {},
    expected = false,
  ): Promise<void> {
    const waits = !this.#hasEdited && !expected;
    this.#hasEdited = true;
    const options = !waits && this.#source.threads > 1 && (await this.#composed(extent, arithmetic, change));
    if (options) await this.rows(options, arithmetic.precision, 1);
  }

  /**
   * The rows form for whole images of this latent size that are not recorded: the recording form if it is loaded, else
   * one that takes less memory.
   */
  async drawing(extent: Extent, { precision, attention = 'full' }: Arithmetic): Promise<RowsUNet> {
    const forms = await this.#optionsFor(extent, { precision, attention });
    const isLoaded = this.#source.programs.has(
      ({ role, of, precision: loaded, form }) =>
        role === 'denoiser' &&
        of === this.#of &&
        loaded === precision &&
        form.kind === 'rows' &&
        form.options.statistics === 'any' &&
        form.options.attention === attention &&
        form.options.foldUpsampling === forms.foldUpsampling,
    );
    return this.rows({ ...forms, statistics: isLoaded ? 'any' : 'fresh' }, precision);
  }

  /** The rows form for bands of an image. */
  bands({ height, width }: Extent, precision: Precision): Promise<RowsUNet> {
    const foldUpsampling = this.#folds({ height, width }, precision);
    const options = { foldUpsampling, storage: 'float32', statistics: 'bands', attention: 'full' } as const;
    return this.rows(options, precision);
  }

  /** Whether the rows form generates whole images faster than the planar one, both in float32. */
  async rowsAreFaster(): Promise<boolean> {
    if (await this.isSmall()) return false;
    const { planar, rows } = await this.#source.backend.formSpeed();
    return planar > ROWS_WORTH * rows;
  }

  /** Whether a rows form with these statistics, or the planar form, is loaded. */
  isLoaded(which: 'planar' | RowsOptions['statistics']): boolean {
    return this.#source.programs.has(this.#isForm(which));
  }

  /** Makes room: frees rows forms with these statistics, or the planar form. A small U-Net keeps all forms. */
  async free(...which: readonly ('planar' | RowsOptions['statistics'])[]): Promise<void> {
    if (this.#source.keepsAll || (await this.isSmall())) return;
    for (const one of which) await this.#source.programs.free(this.#isForm(one));
  }

  /** Makes room: frees every form of this network. A small U-Net keeps all. */
  async freeAll(): Promise<void> {
    if (this.#source.keepsAll || (await this.isSmall())) return;
    await this.#source.programs.free(({ role, of }) => role === 'denoiser' && of === this.#of);
  }

  async #optionsFor(
    extent: Extent,
    { precision, attention = 'full' }: Arithmetic,
  ): Promise<Omit<RowsOptions, 'statistics'>> {
    const { backend, keepsFeatures } = this.#source;
    const rectangles = await this.#rectangles(precision);
    return {
      foldUpsampling: this.#folds(extent, precision),
      storage: storageOf(backend.can, { keepsFeatures, isSmall: await this.isSmall(), precision }),
      attention,
      ...(rectangles.length > 0 && { rectangles }),
    };
  }

  /** Where features stay on a device: the levels at which it computes rectangles faster. In a small network they take more operators. */
  async #rectangles(precision: Precision): Promise<number[]> {
    const { backend, keepsFeatures } = this.#source;
    if (!keepsFeatures || !isFloat(precision) || (await this.isSmall())) return [];
    return rectangleLevels(this.network, backend.can.convolutions);
  }

  #isForm(which: 'planar' | RowsOptions['statistics']) {
    return ({ role, of, form }: ProgramKey): boolean =>
      role === 'denoiser' &&
      of === this.#of &&
      (form.kind === 'rows' ? form.options.statistics === which : form.kind === which);
  }

  #folds(extent: Extent, precision: Precision): boolean {
    return foldsUpsampling(this.network, extent, precision, hasByteProducts(this.#source.backend.can));
  }

  #compile(
    precision: Precision,
    form: Form,
    of: ProgramKey['of'] = this.#of,
    network = this.network,
    threads?: number,
  ): Promise<Program> {
    return this.#source.compile(network, { of, precision, form, ...(threads && { threads }) });
  }
}

/**
 * Whether upsampling is folded. Not with weights in blocks: folded matrices are larger, and blocks are for low memory.
 * @param bytes whether int8 weights are multiplied as bytes; else they are in blocks, too
 */
export function foldsUpsampling(
  network: Network,
  { height, width }: Extent,
  precision: Precision,
  bytes = true,
): boolean {
  return !isInBlocks(precision, bytes) && RowsUNet.canFold(network, height, width);
}

/** The result of `make`, computed once. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
