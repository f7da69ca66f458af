import type { Coding } from '../../../shared/api.ts';
import { float32, floats, type Tensor } from '../../graph/tensor.ts';
import { freshName, type MomentsFeature, shareName } from '../../regions/features.ts';
import { takeRows } from '../../regions/rows.ts';
import { featureFeeds } from '../unet/feeds.ts';
import type { Region, RowsUNet } from '../unet/rows-unet.ts';
import type { PatchMode } from './band-of.ts';
import { type Bands, bandCount, bandSizes } from './bands.ts';
import { bytesOf } from './coding.ts';
import { type Exchange, planExchange } from './exchange.ts';
import type { Mailbox } from './mailbox.ts';
import { SeenFeatures } from './seen-features.ts';

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
}

/**
 * One band of an image: computes its rows with the other bands' features of the step before. A dense step computes every
 * band and needs nothing from the others. The first step must be dense.
 */
export class BandUNet {
  readonly exchange: Exchange;
  readonly #unet: RowsUNet;
  readonly #options: BandOptions;
  readonly #region: Region;
  readonly #everywhere: Region;
  readonly #seen: SeenFeatures;
  /** By group norm: each band's own moments [2B, G] of the last step. */
  readonly #moments = new Map<string, Float32Array[]>();
  #outgoing: Readonly<Record<string, Tensor>> | undefined;

  constructor(unet: RowsUNet, options: BandOptions) {
    const { bands, index, batch, coding } = options;
    this.#unet = unet;
    this.#options = options;
    this.exchange = planExchange(unet.form(batch).features, bands, index);
    this.#region = unet.planned(this.exchange.plan, batch);
    this.#everywhere = unet.dense(bands.height, bands.width, batch);
    this.#seen = new SeenFeatures(this.exchange, this.#everywhere.plan, batch, coding);
  }

  /** This band's positions at level 0, in the order of its rows. */
  get positions(): Int32Array {
    return this.exchange.plan.levels[0]!.active;
  }

  /** Positions at level 0 in the order of a dense step's rows. */
  get everywhere(): Int32Array {
    return this.#everywhere.plan.levels[0]!.active;
  }

  /** A step over every band: the inputs have all rows. Resolves with the output [B, all rows, C]. */
  async dense(inputs: Record<string, Tensor>): Promise<Float32Array> {
    const region = this.#everywhere;
    const feeds = featureFeeds(this.#unet.form(this.#options.batch), region.plan);
    const statistics = this.#allBands();
    const fed = { ...feeds, ...statistics };
    const { output, features } = await this.#unet.pass(region, inputs, { fed, others: this.#needed() });
    if (this.#exchanges) {
      this.#seen.remember(features);
      this.#rememberMoments(features);
    }
    return output;
  }

  /** A step over this band: the inputs have its rows. Resolves with the output [B, rows, C]. */
  async step(inputs: Record<string, Tensor>): Promise<Float32Array> {
    const asked = { fed: this.#feeds(), others: this.#needed() };
    const { output, features } = await this.#unet.pass(this.#region, inputs, asked);
    if (this.#exchanges) this.#outgoing = features;
    return output;
  }

  /** Posts the features of the last step that the others need. */
  async post(mailbox: Mailbox, step: number): Promise<void> {
    const outputs = this.#outgoing;
    this.#outgoing = undefined;
    if (!outputs) return;
    const { index, moments } = this.exchange;
    const statistics = moments.map(({ name }) => {
      const own = floats(outputs, `new.${name}`);
      this.#moments.get(name)![index] = own.slice();
      return bytesOf(own);
    });
    await this.#seen.post(mailbox, step, outputs, statistics);
  }

  /** Fetches the features that the others posted for a step. */
  async fetch(mailbox: Mailbox, step: number): Promise<void> {
    if (!this.#exchanges) return;
    const { moments } = this.exchange;
    await this.#seen.fetch(mailbox, step, (from) =>
      moments.map(({ name }) => bytesOf(this.#moments.get(name)![from]!)),
    );
  }

  /** Whether features are exchanged with other bands. */
  get #exchanges(): boolean {
    return this.#options.mode === 'displaced' && this.exchange.count > 1;
  }

  /** Stores the moments of every band after a dense step. */
  #rememberMoments(outputs: Readonly<Record<string, Tensor>>): void {
    const { batch } = this.#options;
    for (const { name, groups } of this.exchange.moments) {
      const each = floats(outputs, `new.${name}`);
      const own = Array.from({ length: this.exchange.count }, (_, k) =>
        takeRows(each, 2 * batch, groups, Int32Array.of(k)),
      );
      this.#moments.set(name, own);
    }
  }

  /** The inputs of a step over this band. */
  #feeds(): Record<string, Tensor> {
    const { batch, index } = this.#options;
    const { windows, attended, moments, plan, others } = this.exchange;
    const feeds: Record<string, Tensor> = {};
    for (const { feature, halo } of windows) {
      const { name, channels } = feature;
      const rows = this.#seen.rows(name) ?? new Float32Array(batch * (halo.length + 1) * channels);
      feeds[name] = float32(rows, [batch, halo.length + 1, channels]);
    }
    for (const { name, channels, level } of attended) {
      const count = this.#exchanges ? others[level]!.rows.length : 0;
      feeds[name] = float32(this.#seen.rows(name) ?? new Float32Array(), [batch, count, channels]);
    }
    for (const [level, { active }] of plan.levels.entries()) {
      const weight = this.#exchanges && this.#options.moments === 'mixed' ? this.#shares(level)[index]! : 1;
      feeds[freshName(level)] = float32(Float32Array.of(weight), [1]);
      const share = new Float32Array(active.length).fill(1 / active.length);
      feeds[shareName(level)] = float32(share, [1, active.length]);
    }
    for (const feature of moments) Object.assign(feeds, this.#momentFeeds(feature));
    return feeds;
  }

  /** The term added to this band's moments; see `Moments`. */
  #momentFeeds({ name, level, groups }: MomentsFeature): Record<string, Tensor> {
    const { batch, index } = this.#options;
    const given = new Float32Array(2 * batch * groups);
    const each = this.#moments.get(name);
    if (each) {
      const shares = this.#shares(level);
      for (const [k, last] of each.entries()) {
        const weight = shares[k]! - (k === index ? (this.#options.moments === 'mixed' ? shares[k]! : 1) : 0);
        for (const [i, value] of last.entries()) given[i] = given[i]! + weight * value;
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
  #allBands(): Record<string, Tensor> {
    const { bands } = this.#options;
    const count = bandCount(bands);
    const feeds: Record<string, Tensor> = {};
    for (const [level, { active, width }] of this.#everywhere.plan.levels.entries()) {
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
  #needed(): string[] {
    if (!this.#exchanges) return [];
    return [...this.#seen.outputs, ...this.exchange.moments.map(({ name }) => `new.${name}`)];
  }
}
