import { countMacs } from '../graph/macs.ts';
import type { Network } from '../graph/network.ts';
import { type Feature, featuresOf, levelCount, type Storage } from '../regions/features.ts';
import {
  featureFeeds,
  featureOutputs,
  indexFeeds,
  type Recorded,
  type RegionForm,
  recordedFrom,
  updateRecorded,
} from '../regions/feeds.ts';
import type { Mask } from '../regions/mask.ts';
import { densePlan, planRegion, type RegionPlan } from '../regions/plan.ts';
import { floats, type Session, type Tensor } from '../runtime/runtime.ts';
import { batchOf, type Condition, guide, unetInputs } from './guidance.ts';

/** A region plan with what a U-Net is fed of it. */
export interface Region {
  plan: RegionPlan;
  /** Rows that are computed at level 0. */
  rows: number;
  indexes: Record<string, Tensor>;
}

/** What a pass is to do with features beside reading them. */
export type Recording = 'none' | 'record' | 'update';

/** The U-Net in rows form: one session for dense passes, for recording, and for passes over a region. */
export class RowsUNet {
  readonly network: Network;
  readonly storage: Storage;
  readonly foldUpsampling: boolean;
  readonly #session: Session;
  readonly #textSession: Session | undefined;
  /** The projections of the text of the last runs' conditions. */
  readonly #texts = new WeakMap<Tensor, Promise<Record<string, Tensor>>>();
  readonly #features: Feature[];
  readonly #levels: number;

  /** `session`: of `lowerRows`; `textSession`: of `lowerTextProjections`, where there are any. */
  constructor(
    session: Session,
    textSession: Session | undefined,
    network: Network,
    options: { foldUpsampling: boolean; storage: Storage },
  ) {
    this.#session = session;
    this.#textSession = textSession;
    this.network = network;
    this.storage = options.storage;
    this.foldUpsampling = options.foldUpsampling;
    this.#features = featuresOf(network);
    this.#levels = levelCount(this.#features);
  }

  /** Whether upsampling can be folded at this latent size: every level but the coarsest must have even sides. */
  static canFold(network: Network, height: number, width: number): boolean {
    const step = 2 ** (levelCount(featuresOf(network)) - 1);
    return height % step === 0 && width % step === 0;
  }

  region(mask: Mask, batch: number): Region {
    return this.#region(planRegion(mask, this.#levels), batch);
  }

  dense(height: number, width: number, batch: number): Region {
    return this.#region(densePlan(height, width, this.#levels), batch);
  }

  /**
   * One run over a region's rows. `sample` [rows, C] → guided output [rows, C].
   * `recorded` is read where the region is not the whole picture; `update` writes this pass's rows into it.
   */
  async run(
    region: Region,
    sample: Float32Array,
    timestep: number,
    condition: Condition,
    options: { recorded?: Recorded; recording?: Recording } = {},
  ): Promise<{ output: Float32Array; recorded: Recorded | undefined }> {
    const { recorded, recording = 'none' } = options;
    if (region.rows === 0) return { output: new Float32Array(), recorded };
    const form = this.#form(batchOf(condition));
    const { encoder_hidden_states: text, ...inputs } = unetInputs(
      sample,
      [region.rows, sample.length / region.rows],
      timestep,
      condition,
    );
    const outputs = await this.#session.run(
      {
        ...inputs,
        ...(await this.#projectionsOf(text!)),
        ...region.indexes,
        ...featureFeeds(form, region.plan, recorded),
      },
      recording === 'none' ? ['out'] : ['out', ...featureOutputs(form)],
    );
    const output = guide(floats(outputs, 'out'), condition);
    if (recording === 'record') return { output, recorded: recordedFrom(form, outputs) };
    if (recording === 'update' && recorded) updateRecorded(recorded, form, region.plan, outputs);
    return { output, recorded };
  }

  /** Products of a number of runs over a region; none if it is empty. The text is projected once for all of them. */
  macs(region: Region, batch: number, tokens: number, runs = 1): number {
    if (region.rows === 0 || runs === 0) return 0;
    const { height, width } = region.plan.levels[0]!;
    const active = region.plan.levels.map((level) => level.active.length);
    const { total, byKind } = countMacs(this.network, { height, width, batch, tokens }, active);
    const text = byKind.text ?? 0;
    return text + runs * (total - text);
  }

  async #projectionsOf(text: Tensor): Promise<Record<string, Tensor>> {
    if (!this.#textSession) return {};
    let projections = this.#texts.get(text);
    if (!projections) {
      projections = this.#textSession.run({ encoder_hidden_states: text });
      this.#texts.set(text, projections);
    }
    return projections;
  }

  #region(plan: RegionPlan, batch: number): Region {
    return { plan, rows: plan.levels[0]!.active.length, indexes: indexFeeds(this.#form(batch), plan) };
  }

  #form(batch: number): RegionForm {
    return { features: this.#features, foldUpsampling: this.foldUpsampling, storage: this.storage, batch };
  }
}
