import { countMacs } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import { type DeviceTensor, floats, int64, type Tensor } from '../../graph/tensor.ts';
import { Buffers } from '../../regions/buffers.ts';
import type { DeviceStorage, Storage } from '../../regions/features.ts';
import type { Recorded } from '../../regions/recorded.ts';
import { takeRows } from '../../regions/rows.ts';
import { type TokenFeatures, tokenFeaturesOf } from '../../regions/token-features.ts';
import { remembered } from '../../remembered.ts';
import type { Program } from '../backend.ts';
import { OUTPUT, TEXT } from '../denoiser-inputs.ts';
import { EXTENT } from '../forms/tokens.ts';
import { dealtFeeds, type LevelReads, levelFeeds, levelReadsOf } from './dealt-rows.ts';
import { featureOutputs, recordedFeeds, recordedFrom, type TokenStorage, updatedBy } from './feeds.ts';
import { type KeptTokens, keptOutputs, keptTokenFeeds, putTokens, type TokenKeeping } from './kept-tokens.ts';
import { countRegion } from './region-macs.ts';
import { splitText } from './split.ts';
import type { TokenPlan } from './token-plan.ts';

export type Feeds = Record<string, Tensor>;

/** Result of a pass: rows [B, n, C] and, if requested, its features. */
interface TokenPass {
  output: Float32Array;
  features: Feeds;
}

interface TokenPrograms {
  /** The network without what depends on the text alone, in the form `tokens`. */
  rows: Program;
  text: Program;
  /** Puts fresh rows in place of recorded ones, where features stay on the device. */
  putting?: Program;
}

/** A pass whose features stayed on the device. */
interface KeptTokenPass {
  output: Float32Array;
  features: Record<string, DeviceTensor>;
}

/** A transformer in the form of `lowering/tokens.ts`: passes over everything, or over a part with a record. */
export class TokensNetwork {
  readonly network: Network;
  /** Whether it can record and compute a part. */
  readonly part: boolean;
  /** In main memory. */
  readonly storage: Storage;
  /** How features are kept on the device, if they stay there. */
  readonly keeps: DeviceStorage | undefined;
  readonly #programs: TokenPrograms;
  readonly features: TokenFeatures;
  readonly #texts = new WeakMap<Tensor, Promise<Feeds>>();
  readonly #buffers = new Buffers();
  readonly #reads: LevelReads;
  readonly #lists = new WeakMap<TokenPlan, { tokens: number; feeds: Feeds }>();

  constructor(
    programs: TokenPrograms,
    network: Network,
    options: { part: boolean; storage: Storage; keeps?: DeviceStorage },
  ) {
    this.#programs = programs;
    this.network = network;
    this.part = options.part;
    this.storage = options.storage;
    this.keeps = options.keeps;
    this.features = tokenFeaturesOf(network);
    this.#reads = levelReadsOf(network);
  }

  /** The same programs with another storage of features. */
  keeping(storage: Storage): TokensNetwork {
    if (storage === this.storage) return this;
    return new TokensNetwork(this.#programs, this.network, { part: this.part, storage });
  }

  /**
   * One run without guidance, with the network's own inputs; the sample is rows [B, n, C]. A part reads `recorded`.
   * `features`: also gives those of this pass.
   */
  async pass(
    plan: TokenPlan,
    batch: number,
    { [TEXT]: text, ...inputs }: Feeds,
    { recorded, features = false }: { recorded?: Recorded; features?: boolean } = {},
  ): Promise<TokenPass> {
    if (plan.active.length === 0) return { output: new Float32Array(), features: {} };
    if (features && !this.part) throw new Error('this form of the network cannot record');
    const given = features ? featureOutputs(this.features) : [];
    const { [OUTPUT]: out, ...fresh } = await this.#programs.rows.run(
      {
        ...inputs,
        ...(await this.#textOf(text!)),
        ...this.#planned(plan, text!.dims[1]!),
        ...(this.part && recordedFeeds(this.#kept(batch), plan, recorded, this.#buffers)),
      },
      [OUTPUT, ...given],
    );
    return { output: imageRows(floats({ out: out! }, 'out'), batch, plan), features: fresh };
  }

  /** Whether features stay on the device: then passes are run by `passKept`, and updated by `updatedKept`. */
  get keepsFeatures(): boolean {
    return this.keeps !== undefined;
  }

  /** As `pass`, with features that stay on the device. */
  async passKept(
    plan: TokenPlan,
    batch: number,
    { [TEXT]: text, ...inputs }: Feeds,
    { recorded, features = false }: { recorded?: KeptTokens; features?: boolean } = {},
  ): Promise<KeptTokenPass> {
    if (plan.active.length === 0) return { output: new Float32Array(), features: {} };
    const keeping = this.#keeping(batch);
    const { [OUTPUT]: out, ...fresh } = await this.#programs.rows.runKept(
      {
        ...inputs,
        ...(await this.#textOf(text!)),
        ...this.#planned(plan, text!.dims[1]!),
        ...keptTokenFeeds(keeping, plan, recorded),
      },
      [OUTPUT, ...(features ? keptOutputs(keeping, plan) : [])],
    );
    const output = floats({ out: await out!.read() }, 'out');
    out!.release();
    return { output: imageRows(output, batch, plan), features: fresh };
  }

  /** The kept features, with the fresh ones of a part in place. */
  async updatedKept(
    kept: KeptTokens,
    plan: TokenPlan,
    batch: number,
    features: KeptTokenPass['features'],
  ): Promise<KeptTokens> {
    if (plan.active.length === 0) return kept;
    return putTokens(this.#programs.putting!, this.#keeping(batch), plan, kept, features);
  }

  /** The features of a pass over everything. */
  recorded(batch: number, features: Feeds): Recorded {
    return recordedFrom(this.#kept(batch), features);
  }

  updated(recorded: Recorded, plan: TokenPlan, batch: number, features: Feeds): Recorded {
    return plan.active.length === 0 ? recorded : updatedBy(recorded, this.#kept(batch), plan, features);
  }

  /** Multiply–accumulates of some runs. What depends on the text alone counts once. */
  macs(plan: TokenPlan, batch: number, tokens: number, runs = 1): number {
    if (plan.active.length === 0 || runs === 0) return 0;
    const { total } = countRegion(this.network, plan, { batch, tokens }, this.features);
    const text = countMacs(splitText(this.network).text, { height: 1, width: 1, batch, tokens }).total;
    return text + runs * (total - text);
  }

  /** The inputs that a plan gives. */
  #planned(plan: TokenPlan, tokens: number): Feeds {
    const { feeds, height, width } = plan;
    const { windows, attended } = this.features;
    const extent = { [EXTENT]: int64(BigInt64Array.of(BigInt(height), BigInt(width)), [2]) };
    return {
      ...(windows.length > 0 && (this.part ? feeds.window : extent)),
      ...(attended.length > 0 && feeds.places),
      ...this.#listed(plan, tokens),
    };
  }

  /** Rows of several levels, and of the parts that attention is limited to. The same at every step. */
  #listed(plan: TokenPlan, tokens: number): Feeds {
    const known = this.#lists.get(plan);
    if (known?.tokens === tokens) return known.feeds;
    const feeds = {
      ...levelFeeds(this.#reads, plan),
      ...(this.part && dealtFeeds(this.#reads, plan, tokens)),
    };
    this.#lists.set(plan, { tokens, feeds });
    return feeds;
  }

  #keeping(batch: number): TokenKeeping {
    if (!this.keeps) throw new Error('features of this form do not stay on the device');
    return { features: this.features, storage: this.keeps, batch };
  }

  #kept(batch: number): TokenStorage {
    return { features: this.features, storage: this.storage, batch };
  }

  #textOf(text: Tensor): Promise<Feeds> {
    return remembered(this.#texts, text, () => this.#programs.text.run({ [TEXT]: text }));
  }
}

/** Output rows without those of references, which follow the image's. */
function imageRows(rows: Float32Array, batch: number, { active, computed }: TokenPlan): Float32Array {
  if (active.length === computed.length) return rows;
  const channels = rows.length / (batch * computed.length);
  return takeRows(
    rows,
    batch,
    channels,
    active.map((_, row) => row),
  );
}
