import type { Coding } from '../../../shared/api.ts';
import { float32, type Tensor } from '../../graph/tensor.ts';
import { freshName, type MomentsFeature, shareName } from '../../regions/features.ts';
import type { RegionPlan } from '../../regions/plan.ts';
import { takeRows } from '../../regions/rows.ts';
import { featureFeeds } from '../unet/feeds.ts';
import type { Pass, Region, RowsUNet } from '../unet/rows-unet.ts';
import type { PatchMode } from './band-of.ts';
import { type Bands, bandCount, bandSizes } from './bands.ts';
import { type Exchange, planBands, planExchange } from './exchange.ts';
import type { Mailbox } from './mailbox.ts';
import { type Computes, SeenFeatures } from './seen-features.ts';

/**
 * Which moments group norm uses in a displaced step. `mixed`: this band's current ones and the others' last ones.
 * `corrected`, as in DistriFusion: all bands' last moments + (this band's current − its last ones), as if all bands
 * changed by the same amount. Its variance can come near zero, which spoils images with more than two bands.
 */
export type Moments = 'mixed' | 'corrected';

interface BandOptions {
  bands: Bands;
  index: number;
  /** Images in one run: 2 with both branches of guidance. */
  batch: number;
  mode: PatchMode;
  moments: Moments;
  coding: Coding;
  /** The finest part of the network, for steps that reuse the deep features that the whole network then gives. */
  shallow?: RowsUNet;
}

/** A network, with what a step of it needs. */
interface Part {
  unet: RowsUNet;
  region: Region;
  everywhere: Region;
  computes: Computes;
  /** Levels that have group norms. */
  levels: ReadonlySet<number>;
}

/**
 * One band of an image: computes its rows with the other bands' features of the step before. A dense step computes
 * every band and needs nothing from the others. The first step must be dense. A shallow step computes and exchanges the
 * features of the finest part only; those of deeper parts are the ones of the last full step.
 */
export class BandUNet {
  readonly exchange: Exchange;
  readonly #options: BandOptions;
  readonly #full: Part;
  readonly #shallow: Part | undefined;
  readonly #seen: SeenFeatures;
  #outgoing: Readonly<Record<string, Tensor>> | undefined;
  /** The network of the last step over this band, as it was for every band. */
  #last: Part;
  /** Deep features of the last full step: of all rows after a dense one, else of this band's. */
  #deep: { of: 'all' | 'band'; rows: NonNullable<Pass['deep']> } | undefined;

  constructor(unet: RowsUNet, options: BandOptions) {
    const { bands, index, batch, coding, shallow } = options;
    this.#options = options;
    this.exchange = planExchange(unet.form(batch).features, planBands(bands), index);
    const whole = unet.dense(bands.height, bands.width, batch).plan;
    this.#full = this.#part(unet, whole);
    this.#shallow = shallow && this.#part(shallow, whole);
    this.#last = this.#full;
    this.#seen = new SeenFeatures(this.exchange, whole, batch, coding);
  }

  #part(unet: RowsUNet, whole: RegionPlan): Part {
    const { batch } = this.#options;
    const { features } = unet.form(batch);
    const names = new Set(features.map(({ name }) => name));
    return {
      unet,
      region: unet.planned(this.exchange.plan, batch),
      everywhere: unet.planned(whole, batch),
      computes: (name) => names.has(name),
      levels: new Set(features.filter(({ kind }) => kind === 'moments').map(({ level }) => level)),
    };
  }

  /** This band's positions at level 0, in the order of its rows. */
  get positions(): Int32Array {
    return this.exchange.plan.levels[0]!.active;
  }

  /** Positions at level 0 in the order of a dense step's rows. */
  get everywhere(): Int32Array {
    return this.#full.everywhere.plan.levels[0]!.active;
  }

  /** A step over every band: the inputs have all rows. Resolves with the output [B, all rows, C]. */
  async dense(inputs: Record<string, Tensor>, shallow = false): Promise<Float32Array> {
    const part = this.#partOf(shallow);
    const { unet, everywhere: region } = part;
    const feeds = featureFeeds(unet.form(this.#options.batch), region.plan);
    const statistics = this.#allBands(part);
    const fed = { ...feeds, ...statistics };
    const more = shallow && { deep: this.#deepOf('all') };
    const { output, features, deep } = await unet.pass(region, inputs, {
      fed,
      others: this.#needed(part),
      ...more,
    });
    if (deep) this.#deep = { of: 'all', rows: deep };
    if (this.#exchanges) this.#seen.remember(features, part.computes);
    return output;
  }

  /** A step over this band: the inputs have its rows. Resolves with the output [B, rows, C]. */
  async step(inputs: Record<string, Tensor>, shallow = false): Promise<Float32Array> {
    const part = this.#partOf(shallow);
    const more = shallow && { deep: this.#deepOf('band') };
    const asked = { fed: this.#feeds(part), others: this.#needed(part), ...more };
    const { output, features, deep } = await part.unet.pass(part.region, inputs, asked);
    if (deep) this.#deep = { of: 'band', rows: deep };
    if (this.#exchanges) this.#outgoing = features;
    this.#last = part;
    return output;
  }

  #partOf(shallow: boolean): Part {
    if (!shallow) return this.#full;
    if (!this.#shallow) throw new Error('this band was not prepared for shallow steps');
    return this.#shallow;
  }

  /** The deep features of all rows, or of this band's. */
  #deepOf(which: 'all' | 'band'): NonNullable<Pass['deep']> {
    const { of, rows } = this.#deep ?? {};
    if (!rows || (which === 'all' && of === 'band'))
      throw new Error('a step reuses deep features that no step has given');
    if (of === which) return rows;
    const [batch = 1, , channels = 1] = rows.dims;
    const own = this.exchange.plan.levels[0]!.stored;
    return float32(takeRows(rows.data, batch, channels, own), [batch, own.length, channels]);
  }

  /** Posts the features of the last step that the others need. */
  async post(mailbox: Mailbox, step: number): Promise<void> {
    const outputs = this.#outgoing;
    this.#outgoing = undefined;
    if (outputs) await this.#seen.post(mailbox, step, outputs, this.#last.computes);
  }

  /** Fetches the features that the others posted for a step. */
  async fetch(mailbox: Mailbox, step: number): Promise<void> {
    if (this.#exchanges) await this.#seen.fetch(mailbox, step, this.#last.computes);
  }

  /** Whether features are exchanged with other bands. */
  get #exchanges(): boolean {
    return this.#options.mode === 'displaced' && this.exchange.count > 1;
  }

  /** The inputs of a step over this band. */
  #feeds({ computes, levels }: Part): Record<string, Tensor> {
    const { batch, index } = this.#options;
    const { sent, plan } = this.exchange;
    const feeds: Record<string, Tensor> = {};
    for (const { feature, read, padding, channels } of sent) {
      const { name, kind } = feature;
      if (!computes(name)) continue;
      if (kind === 'moments') {
        Object.assign(feeds, this.#momentFeeds(feature));
        continue;
      }
      // Bands that exchange nothing attend to themselves alone.
      const rows = kind === 'attended' && !this.#exchanges ? 0 : read.length + padding;
      const data = this.#seen.rows(name) ?? new Float32Array(batch * rows * channels);
      feeds[name] = float32(data, [batch, rows, channels]);
    }
    for (const level of levels) {
      const { active } = plan.levels[level]!;
      const weight = this.#exchanges && this.#options.moments === 'mixed' ? this.#shares(level)[index]! : 1;
      feeds[freshName(level)] = float32(Float32Array.of(weight), [1]);
      const share = new Float32Array(active.length).fill(1 / active.length);
      feeds[shareName(level)] = float32(share, [1, active.length]);
    }
    return feeds;
  }

  /** The term added to this band's moments; see `Moments`. */
  #momentFeeds({ name, level, groups }: MomentsFeature): Record<string, Tensor> {
    const { batch, index } = this.#options;
    const given = new Float32Array(2 * batch * groups);
    const each = this.#seen.rows(name);
    if (each) {
      const shares = this.#shares(level);
      for (const [k, share] of shares.entries()) {
        const weight = share - (k === index ? (this.#options.moments === 'mixed' ? share : 1) : 0);
        for (let i = 0; i < given.length; i++) {
          const row = Math.floor(i / groups) * shares.length + k;
          given[i] = given[i]! + weight * each[row * groups + (i % groups)]!;
        }
      }
    }
    return { [name]: float32(given, [2 * batch, groups, 1]) };
  }

  /** Each band's share of a level's positions. */
  #shares(level: number): number[] {
    const sizes = bandSizes(this.#options.bands, level);
    const total = sizes.reduce((a, b) => a + b, 0);
    return sizes.map((size) => size / total);
  }

  /** In a dense step, statistics are computed for each band separately. */
  #allBands({ everywhere, levels }: Part): Record<string, Tensor> {
    const { bands } = this.#options;
    const count = bandCount(bands);
    const feeds: Record<string, Tensor> = {};
    for (const level of levels) {
      const { active, width } = everywhere.plan.levels[level]!;
      const sizes = bandSizes(bands, level);
      const edges = bands.edges[level]!;
      const share = new Float32Array(count * active.length);
      for (const [row, position] of active.entries()) {
        const along = bands.axis === 'y' ? Math.floor(position / width) : position % width;
        const band = edges.findIndex((edge) => along < edge) - 1;
        share[band * active.length + row] = 1 / sizes[band]!;
      }
      const weights = Float32Array.from(sizes, (size) => size / active.length);
      feeds[freshName(level)] = float32(weights, [count]);
      feeds[shareName(level)] = float32(share, [count, active.length]);
    }
    return feeds;
  }

  /** Names of the features that a step must output. */
  #needed({ computes }: Part): string[] {
    return this.#exchanges ? this.#seen.outputs(computes) : [];
  }
}
