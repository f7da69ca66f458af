import { countMacs, type MacCount } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import { type DeviceTensor, float32, floats, type Tensor } from '../../graph/tensor.ts';
import { Buffers } from '../../regions/buffers.ts';
import { type Feature, featuresOf, levelCount } from '../../regions/features.ts';
import type { Mask } from '../../regions/mask.ts';
import { convolvedCount, densePlan, planRegion, type RegionPlan } from '../../regions/plan.ts';
import type { Recorded } from '../../regions/recorded.ts';
import { ringsOf } from '../../regions/rings.ts';
import { remembered } from '../../remembered.ts';
import type { Program } from '../backend.ts';
import { type Condition, guide } from '../condition.ts';
import { denoiserInputs, OUTPUT, SAMPLE, TEXT, TIMESTEP } from '../denoiser-inputs.ts';
import type { RowsOptions } from '../forms/form.ts';
import {
  featureFeeds,
  featureOutputs,
  indexFeeds,
  isDense,
  type RegionForm,
  recordedFrom,
  updatedBy,
} from './feeds.ts';
import { type KeptFeatures, type KeptPrograms, keptFeeds, keptFrom, putInto } from './kept-features.ts';
import { DEEP } from './shallow.ts';
import { isSteering, steeredRows } from './steering.ts';

/** A region plan and the U-Net inputs derived from it. */
export interface Region {
  plan: RegionPlan;
  /** Images in one run. */
  batch: number;
  /** Number of rows computed at level 0. */
  rows: number;
  indexes: Feeds;
  buffers: Buffers;
}

export type Feeds = Record<string, Tensor>;

/** Result of a pass over a region. Features of a whole image are recorded; those of a part update recorded ones. */
export interface Pass {
  output: Float32Array;
  features: Feeds;
  /** The deep map [B, rows, C], if the network outputs it. */
  deep?: Deep;
}

type Deep = Tensor & { type: 'float32' };

interface RowsPrograms {
  /** The network in rows form. */
  rows: Program;
  /** The networks of `forms/conditioning.ts`. A network without attention has none for the text. */
  text: Program | undefined;
  shift: Program | undefined;
  /** For features that stay on the device. */
  kept?: KeptPrograms;
}

/** A pass whose features stayed on the device. */
interface KeptPass {
  output: Float32Array;
  features: Record<string, DeviceTensor>;
  deep?: Deep;
}

interface PassOptions<Kept> {
  recorded?: Kept;
  /** Also gives the features of this pass. */
  features?: boolean;
  /** For a network that takes it. */
  deep?: Tensor;
}

/** Most shifts remembered: some samplers have fractional timesteps, so their number is not bounded. */
const MAX_SHIFTS = 1000;

/** The U-Net in rows form: dense passes, which can be recorded, and passes over a region. */
export class RowsUNet {
  readonly network: Network;
  readonly options: RowsOptions;
  readonly #programs: RowsPrograms;
  /** By text: its projections, and those of the pictures beside it. */
  readonly #texts = new WeakMap<Tensor, { others: Feeds; projections: Promise<Feeds> }>();
  /** By the first vector beside the timestep: the shifts of all of them, by timestep. */
  readonly #shifts = new WeakMap<object, { vectors: Feeds; shifts: Map<number, Promise<Feeds>> }>();
  readonly #features: Feature[];
  readonly #levels: number;

  constructor(programs: RowsPrograms, network: Network, options: RowsOptions) {
    this.#programs = programs;
    this.network = network;
    this.options = options;
    this.#features = featuresOf(network);
    this.#levels = levelCount(this.#features);
  }

  /** Whether upsampling can be folded at this latent size: all levels but the coarsest must have even sides. */
  static canFold(network: Network, height: number, width: number): boolean {
    const step = 2 ** (levelCount(featuresOf(network)) - 1);
    return height % step === 0 && width % step === 0;
  }

  /**
   * @param ring positions around the mask that are computed too; see `ringsOf`
   * @param network whose levels the region has: of a part of a network, the whole
   */
  region(mask: Mask, batch: number, ring = 0, network = this.network): Region {
    return this.planned(planRegion(mask, ringsOf(network, ring), this.options.rectangles), batch);
  }

  dense(height: number, width: number, batch: number, levels = this.#levels): Region {
    return this.planned(densePlan(height, width, levels, this.options.rectangles), batch);
  }

  /** The region of a plan. */
  planned(plan: RegionPlan, batch: number): Region {
    const { rectangles = [] } = this.options;
    if (plan.levels.some(({ inside }, l) => (inside !== undefined) !== rectangles.includes(l)))
      throw new Error('the plan is of another form of the network');
    const rows = plan.levels[0]!.active.length;
    return { plan, batch, rows, indexes: indexFeeds(this.form(batch), plan), buffers: new Buffers() };
  }

  /** One guided run over a region's rows: [rows, C] → [rows, C]. A region that is a part reads `recorded`. */
  async run(
    region: Region,
    sample: Float32Array,
    timestep: number,
    condition: Condition,
    options: PassOptions<Recorded> = {},
  ): Promise<Pass> {
    const dims = [region.rows, sample.length / region.rows];
    const steered = steeredRows(this.network, condition, timestep, sample, region.plan);
    const pass = await this.pass(region, denoiserInputs(sample, dims, timestep, condition, steered), options);
    return { ...pass, output: guide(pass.output, condition) };
  }

  /**
   * One run without guidance: [B, rows, C] → [B, rows, C], with the U-Net's own inputs. `others`: further outputs to
   * return; `fed`: inputs to use instead of those from `recorded`.
   */
  async pass(
    region: Region,
    inputs: Feeds,
    {
      recorded,
      features = false,
      deep,
      others = [],
      fed,
    }: PassOptions<Recorded> & { others?: readonly string[]; fed?: Feeds } = {},
  ): Promise<Pass> {
    if (region.rows === 0) return { output: new Float32Array(), features: {} };
    const form = this.form(region.batch);
    const given = features ? featureOutputs(form, isDense(region.plan) ? undefined : 'rows') : [];
    const {
      [OUTPUT]: out,
      [DEEP]: deepOut,
      ...fresh
    } = await this.#programs.rows.run(
      {
        ...(await this.#common(region, inputs)),
        ...(fed ?? featureFeeds(form, region.plan, recorded, region.buffers)),
        ...(deep && { [DEEP]: deep }),
      },
      [...this.network.outputs.keys(), ...given, ...others],
    );
    const pass = { output: floats({ out: out! }, 'out'), features: fresh };
    return deepOut ? { ...pass, deep: deepOut as Deep } : pass;
  }

  /** Whether features stay on the device: then passes are run by `runKept`, and updated by `updatedKept`. */
  get keepsFeatures(): boolean {
    return this.#programs.kept !== undefined;
  }

  /** As `run`, with features that stay on the device. */
  async runKept(
    region: Region,
    sample: Float32Array,
    timestep: number,
    condition: Condition,
    { recorded, features = false, deep }: PassOptions<KeptFeatures> = {},
  ): Promise<KeptPass> {
    if (region.rows === 0) return { output: new Float32Array(), features: {} };
    const { rows, kept } = this.#programs;
    const form = this.form(region.batch);
    const given = features ? featureOutputs(form, isDense(region.plan) ? undefined : 'rows') : [];
    const dims = [region.rows, sample.length / region.rows];
    const steered = steeredRows(this.network, condition, timestep, sample, region.plan);
    const inputs = await this.#common(region, denoiserInputs(sample, dims, timestep, condition, steered));
    const { feeds, taken } = await keptFeeds(kept!, form, region, recorded);
    try {
      const {
        [OUTPUT]: out,
        [DEEP]: deepOut,
        ...fresh
      } = await rows.runKept({ ...inputs, ...feeds, ...(deep && { [DEEP]: deep }) }, [
        ...this.network.outputs.keys(),
        ...given,
      ]);
      const output = floats({ out: await out!.read() }, 'out');
      const read = (await deepOut?.read()) as Deep | undefined;
      for (const tensor of [out, deepOut]) tensor?.release();
      return { output: guide(output, condition), features: fresh, ...(read && { deep: read }) };
    } finally {
      for (const tensor of taken) tensor.release();
    }
  }

  /** The kept features, with the fresh ones of a region in place. */
  async updatedKept(
    kept: KeptFeatures,
    region: Region,
    features: KeptPass['features'],
  ): Promise<KeptFeatures> {
    if (region.rows === 0) return kept;
    if (isDense(region.plan)) return keptFrom(features);
    return putInto(this.#programs.kept!, this.form(region.batch), region.plan, kept, features);
  }

  /** The inputs that do not depend on features. */
  async #common(region: Region, { [SAMPLE]: sample, [TEXT]: text, ...rest }: Feeds): Promise<Feeds> {
    const entries = Object.entries(rest);
    const isTokens = (name: string) => this.network.inputs.get(name)?.kind === 'tokens';
    const of = (wanted: (name: string) => boolean) =>
      Object.fromEntries(entries.filter(([name]) => wanted(name)));
    const vectors = of((name) => !isSteering(name));
    return {
      [SAMPLE]: sample!,
      ...of((name) => isSteering(name) && !isTokens(name)),
      ...(await this.#projectionsOf(text!, of(isTokens))),
      ...(await this.#shiftsOf(vectors)),
      ...region.indexes,
    };
  }

  /** The features of a dense pass, for later passes. */
  recorded(region: Region, { features }: Pass): Recorded {
    return recordedFrom(this.form(region.batch), region.plan, features);
  }

  /** The recorded features, with the fresh ones of a region in place. */
  updated(recorded: Recorded, region: Region, { features }: Pass): Recorded {
    if (region.rows === 0) return recorded;
    return updatedBy(recorded, this.form(region.batch), region.plan, features);
  }

  /** Multiply–accumulates of some runs over a region; 0 if it is empty. The text is projected once for all. */
  macs(region: Region, tokens: number, runs = 1): number {
    if (region.rows === 0 || runs === 0) return 0;
    const { total, byKind } = this.count(region, tokens);
    const text = byKind.text ?? 0;
    return text + runs * (total - text);
  }

  /** Multiply–accumulates of one run over a region. */
  count(region: Region, tokens: number): MacCount {
    const { height, width } = region.plan.levels[0]!;
    const active = region.plan.levels.map((level) => level.active.length);
    const extent = { height, width, batch: region.batch, tokens };
    const convolved = region.plan.levels.map(convolvedCount);
    return countMacs(this.network, extent, active, this.options.attention, convolved);
  }

  /** Projections of a text and of the pictures beside it, cached while both stay the same. */
  async #projectionsOf(text: Tensor, others: Feeds): Promise<Feeds> {
    const program = this.#programs.text;
    if (!program) return {};
    const known = this.#texts.get(text);
    if (known && areSame(others, known.others)) return known.projections;
    const projections = program.run({ [TEXT]: text, ...others });
    this.#texts.set(text, { others, projections });
    // The call may have been cancelled.
    projections.catch(() => this.#texts.delete(text));
    return projections;
  }

  /** The shifts of a step, remembered until one of the vectors changes: a prompt's stays with another size. */
  async #shiftsOf({ [TIMESTEP]: timestep, ...vectors }: Feeds): Promise<Feeds> {
    const program = this.#programs.shift;
    if (!program) return {};
    const owner = Object.values(vectors)[0] ?? this;
    const known = this.#shifts.get(owner);
    const shifts =
      known && areSame(vectors, known.vectors) ? known.shifts : new Map<number, Promise<Feeds>>();
    this.#shifts.set(owner, { vectors, shifts });
    const key = floats({ at: timestep! }, 'at')[0]!;
    if (!shifts.has(key) && shifts.size >= MAX_SHIFTS) shifts.clear();
    return remembered(shifts, key, async () =>
      asRows(await program.run({ [TIMESTEP]: timestep!, ...vectors })),
    );
  }

  /** How the network was lowered, for a batch. */
  form(batch: number): RegionForm {
    return { ...this.options, features: this.#features, batch };
  }
}

/** Whether inputs are the very tensors that were given before. */
function areSame(inputs: Feeds, before: Feeds): boolean {
  return Object.entries(inputs).every(([name, tensor]) => before[name] === tensor);
}

/** Vectors [B, C] as one row for all positions [B, 1, C]. */
function asRows(vectors: Feeds): Feeds {
  return Object.fromEntries(
    Object.entries(vectors).map(([name, { data, dims }]) => [
      name,
      float32(data as Float32Array, [dims[0]!, 1, dims[1]!]),
    ]),
  );
}
