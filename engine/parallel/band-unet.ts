import type { Coding } from '../api.ts';
import type { Region, RowsUNet } from '../pipelines/rows-unet.ts';
import { freshName, type MomentsFeature, shareName } from '../regions/features.ts';
import { featureFeeds } from '../regions/feeds.ts';
import { putRows, takeRows } from '../regions/rows.ts';
import { float32, floats, type Tensor } from '../runtime/runtime.ts';
import { type Bands, bandCount, bandSizes } from './bands.ts';
import { bytesOf, codedBytes, decode, encode } from './coding.ts';
import { type Exchange, planExchange } from './exchange.ts';
import type { Mailbox } from './mailbox.ts';

/**
 * What a band sees of the others. `displaced`: their features of the step before (Li et al., DistriFusion, CVPR 2024);
 * `naive`: nothing, as if it were a picture of its own.
 */
export const PATCH_MODES = ['displaced', 'naive'] as const;
export type PatchMode = (typeof PATCH_MODES)[number];

/**
 * Which moments group norm uses in a displaced step. `mixed`: those of all bands, this one's as they are now, the
 * others' as they were. `corrected`: DistriFusion's, all bands' of the last step + (this band's now − its last), as if
 * all changed alike; the variance can come near zero, which spoils pictures of more than two bands.
 */
export type Moments = 'mixed' | 'corrected';

export interface BandOptions {
  bands: Bands;
  index: number;
  /** Pictures in one run: 2 with both branches of guidance. */
  batch: number;
  mode: PatchMode;
  moments: Moments;
  coding: Coding;
}

type Rows = Map<string, Float32Array>;

/**
 * One band of a picture: computes its rows, with the other bands' features as they were one step before. A dense step
 * computes every band and so needs nothing of the others; the first step must be one.
 */
export class BandUNet {
  readonly exchange: Exchange;
  readonly #unet: RowsUNet;
  readonly #options: BandOptions;
  readonly #region: Region;
  readonly #everywhere: Region;
  /** By feature: halo rows [B, halo + 1, C]; the others' keys and values [B, rows, C]. */
  readonly #seen: Rows = new Map();
  /** By group norm: each band's own moments [2B, G] of the last step. */
  readonly #moments = new Map<string, Float32Array[]>();
  /** What the others have of this band's keys and values and of the halo rows it gives, where differences are sent. */
  readonly #known: Rows = new Map();
  #outgoing: Readonly<Record<string, Tensor>> | undefined;

  constructor(unet: RowsUNet, options: BandOptions) {
    this.#unet = unet;
    this.#options = options;
    this.exchange = planExchange(unet.form(options.batch).features, options.bands, options.index);
    this.#region = unet.planned(this.exchange.plan, options.batch);
    this.#everywhere = unet.dense(options.bands.height, options.bands.width, options.batch);
  }

  /** Positions of level 0 that are this band's, in the order of its rows. */
  get positions(): Int32Array {
    return this.exchange.plan.levels[0]!.active;
  }

  /** Positions of level 0 in the order of a dense step's rows. */
  get everywhere(): Int32Array {
    return this.#everywhere.plan.levels[0]!.active;
  }

  /** A step over every band; the network's inputs hold all rows. Gives its output [B, all rows, C]. */
  async dense(inputs: Record<string, Tensor>): Promise<Float32Array> {
    const region = this.#everywhere;
    const feeds = featureFeeds(this.#unet.form(this.#options.batch), region.plan);
    const statistics = this.#allBands();
    const fed = { ...feeds, ...statistics };
    const { output, features } = await this.#unet.pass(region, inputs, { fed, others: this.#needed() });
    if (this.#exchanges) this.#remember(features);
    return output;
  }

  /** A step over this band; the network's inputs hold its rows. Gives its output [B, rows, C]. */
  async step(inputs: Record<string, Tensor>): Promise<Float32Array> {
    const asked = { fed: this.#feeds(), others: this.#needed() };
    const { output, features } = await this.#unet.pass(this.#region, inputs, asked);
    if (this.#exchanges) this.#outgoing = features;
    return output;
  }

  /** Gives the others what they need of the last step. */
  async post(mailbox: Mailbox, step: number): Promise<void> {
    const outputs = this.#outgoing;
    this.#outgoing = undefined;
    if (!outputs) return;
    const { index, bands, batch } = this.#options;
    const { windows, attended, moments } = this.exchange;
    const common = attended.flatMap(({ name, channels }) => {
      const known = this.#known.get(name);
      const given = known && pictures(known, batch);
      const fresh = pictures(floats(outputs, `new.${name}`), batch);
      return fresh.map((rows, b) => this.#coded(rows, channels, given?.[b]));
    });
    for (const feature of moments) {
      const own = floats(outputs, `new.${feature.name}`);
      this.#moments.get(feature.name)![index] = own.slice();
      common.push(bytesOf(own));
    }
    await mailbox.post(step, 'all', common);
    for (let to = 0; to < bandCount(bands); to++) {
      const parts = windows.flatMap(({ feature: { name, channels }, given }) => {
        const rows = given[to]!;
        if (to === index || rows.length === 0) return [];
        const taken = takeRows(floats(outputs, `new.${name}`), batch, channels, rows);
        return [this.#coded(taken, channels, this.#known.get(`${name} ${to}`))];
      });
      if (parts.length > 0) await mailbox.post(step, to, parts);
    }
  }

  /** Takes what the others gave of a step. */
  async fetch(mailbox: Mailbox, step: number): Promise<void> {
    if (!this.#exchanges) return;
    const { index, bands } = this.#options;
    for (let from = 0; from < bandCount(bands); from++) {
      if (from === index) continue;
      await this.#fetchCommon(mailbox, step, from);
      await this.#fetchHalo(mailbox, step, from);
    }
  }

  async #fetchCommon(mailbox: Mailbox, step: number, from: number): Promise<void> {
    const { attended, moments, others } = this.exchange;
    const targets = attended.flatMap(({ name, level, channels }) =>
      this.#partsOf(this.#seen.get(name)!, channels, others[level]!.counts, from).map((rows) => ({
        rows,
        channels,
        slot: this.#slot(rows, channels),
      })),
    );
    const statistics = moments.map(({ name }) => bytesOf(this.#moments.get(name)![from]!));
    await mailbox.fetch(step, from, 'all', [...targets.map(({ slot }) => slot), ...statistics]);
    for (const { rows, channels, slot } of targets) this.#decoded(slot, rows, channels);
  }

  async #fetchHalo(mailbox: Mailbox, step: number, from: number): Promise<void> {
    const { batch, index } = this.#options;
    const reads = this.exchange.windows
      .filter(({ taken }) => taken[from]!.length > 0)
      .map(({ feature: { name, channels }, taken }) => {
        const rows = takeRows(this.#seen.get(name)!, batch, channels, taken[from]!);
        return { name, channels, at: taken[from]!, rows, slot: this.#slot(rows, channels) };
      });
    if (reads.length === 0) return;
    await mailbox.fetch(
      step,
      from,
      index,
      reads.map(({ slot }) => slot),
    );
    for (const { name, channels, at, rows, slot } of reads) {
      this.#decoded(slot, rows, channels);
      putRows(this.#seen.get(name)!, rows, batch, channels, at);
    }
  }

  /** Whether there are other bands to hear from. */
  get #exchanges(): boolean {
    return this.#options.mode === 'displaced' && bandCount(this.#options.bands) > 1;
  }

  /** Codes rows for sending; `known`: what the receivers have of them, where differences are sent. */
  #coded(rows: Float32Array, channels: number, known?: Float32Array): Uint8Array {
    const { coding } = this.#options;
    if (coding === 'float32') return bytesOf(rows);
    const out = new Uint8Array(codedBytes(coding, rows.length / channels, channels));
    encode(coding, rows, channels, out, known);
    return out;
  }

  /** Where coded rows are received: as they are, they are read into their place. */
  #slot(rows: Float32Array, channels: number): Uint8Array {
    const { coding } = this.#options;
    if (coding === 'float32') return bytesOf(rows);
    return new Uint8Array(codedBytes(coding, rows.length / channels, channels));
  }

  #decoded(slot: Uint8Array, rows: Float32Array, channels: number): void {
    const { coding } = this.#options;
    if (coding !== 'float32') decode(coding, slot, rows, channels);
  }

  /** The rows of one band in each batch of the others' rows. */
  #partsOf(rows: Float32Array, channels: number, counts: readonly number[], band: number): Float32Array[] {
    const { batch } = this.#options;
    const total = counts.reduce((a, b) => a + b, 0);
    const before = counts.slice(0, band).reduce((a, b) => a + b, 0);
    return Array.from({ length: batch }, (_, b) => {
      const from = (b * total + before) * channels;
      return rows.subarray(from, from + counts[band]! * channels);
    });
  }

  /** After a dense step: everything that bands would have told each other. */
  #remember(outputs: Readonly<Record<string, Tensor>>): void {
    const { batch, bands, coding } = this.#options;
    const { plan, windows, attended, moments, others } = this.exchange;
    const differences = coding === 'residual';
    for (const { feature, halo, given } of windows) {
      const { name, channels, level } = feature;
      const all = floats(outputs, `new.${name}`);
      this.#seen.set(name, takeRows(all, batch, channels, halo, 1));
      if (!differences) continue;
      const { stored } = plan.levels[level]!;
      for (const [to, rows] of given.entries())
        this.#known.set(
          `${name} ${to}`,
          takeRows(
            all,
            batch,
            channels,
            rows.map((row) => stored[row]!),
          ),
        );
    }
    for (const { name, channels, level } of attended) {
      const all = floats(outputs, `new.${name}`);
      this.#seen.set(name, takeRows(all, batch, channels, others[level]!.rows));
      if (differences) this.#known.set(name, takeRows(all, batch, channels, plan.levels[level]!.stored));
    }
    const count = bandCount(bands);
    for (const { name, groups } of moments) {
      const each = floats(outputs, `new.${name}`);
      const own = Array.from({ length: count }, (_, k) =>
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
      const rows = this.#seen.get(name) ?? new Float32Array(batch * (halo.length + 1) * channels);
      feeds[name] = float32(rows, [batch, halo.length + 1, channels]);
    }
    for (const { name, channels, level } of attended) {
      const count = this.#exchanges ? others[level]!.rows.length : 0;
      feeds[name] = float32(this.#seen.get(name) ?? new Float32Array(), [batch, count, channels]);
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

  /** What is added to this band's moments: see `Moments`. */
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

  /** In a dense step statistics are taken band by band, so that each knows its own. */
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

  /** Names of the features that a step must give. */
  #needed(): string[] {
    if (!this.#exchanges) return [];
    const { windows, attended, moments } = this.exchange;
    return [...windows.map(({ feature }) => feature), ...attended, ...moments].map(
      ({ name }) => `new.${name}`,
    );
  }
}

/** Rows of a batch, picture by picture. */
function pictures(rows: Float32Array, batch: number): Float32Array[] {
  const length = rows.length / batch;
  return Array.from({ length: batch }, (_, b) => rows.subarray(b * length, (b + 1) * length));
}
