import type { Coding } from '../../../shared/api.ts';
import { floats, type Tensor } from '../../graph/tensor.ts';
import type { RegionPlan } from '../../regions/plan.ts';
import { putRows, takeRows } from '../../regions/rows.ts';
import { bytesOf, codedBytes, codesDifferences, decode, encode } from './coding.ts';
import type { Exchange, WindowExchange } from './exchange.ts';
import type { Mailbox } from './mailbox.ts';

type Outputs = Readonly<Record<string, Tensor>>;

/** Which features a step computes, by name: a shallow one computes few. */
export type Computes = (name: string) => boolean;
const everything: Computes = () => true;

/** The other bands' features as one band knows them, and their exchange. */
export class SeenFeatures {
  readonly #exchange: Exchange;
  readonly #batch: number;
  readonly #coding: Coding;
  /** For each level, by store row: its row in a step over all bands. */
  readonly #wholeRows: readonly Int32Array[];
  /** By feature: halo rows [B, halo + 1, C]; the others' keys and values [B, rows, C]. */
  readonly #seen = new Map<string, Float32Array>();
  /** The others' copies of this band's rows, if differences are sent. */
  readonly #known = new Map<string, Float32Array>();

  /** `whole`: the plan of a step over all bands. */
  constructor(exchange: Exchange, whole: RegionPlan, batch: number, coding: Coding) {
    this.#exchange = exchange;
    this.#batch = batch;
    this.#coding = coding;
    this.#wholeRows = whole.levels.map(({ stored, height, width }) => {
      const rows = new Int32Array(height * width);
      for (const [row, store] of stored.entries()) rows[store] = row;
      return rows;
    });
  }

  /** A window's halo rows, of which only those of other bands are known, or the other bands' keys or values. */
  rows(name: string): Float32Array | undefined {
    return this.#seen.get(name);
  }

  /** Names of the outputs that others need. */
  outputs(computes: Computes = everything): string[] {
    const { windows, attended } = this.#computed(computes);
    return [...windows.map(({ feature }) => feature), ...attended].map(({ name }) => `new.${name}`);
  }

  #computed(computes: Computes): Pick<Exchange, 'windows' | 'attended'> {
    const { windows, attended } = this.#exchange;
    return {
      windows: windows.filter(({ feature }) => computes(feature.name)),
      attended: attended.filter(({ name }) => computes(name)),
    };
  }

  /** Takes from a step over all bands everything that the bands would have exchanged. */
  remember(outputs: Outputs, computes: Computes = everything): void {
    const { plan, others } = this.#exchange;
    const { windows, attended } = this.#computed(computes);
    const batch = this.#batch;
    const differences = codesDifferences(this.#coding);
    const wholeRows = (level: number, stored: Int32Array) =>
      stored.map((row) => this.#wholeRows[level]![row]!);
    for (const window of windows) {
      const { feature, halo, given } = window;
      const { name, channels, level } = feature;
      const all = floats(outputs, `new.${name}`);
      const seen = new Float32Array(batch * (halo.length + 1) * channels);
      for (const at of window.taken) {
        const stored = wholeRows(
          level,
          at.map((row) => halo[row]!),
        );
        putRows(seen, takeRows(all, batch, channels, stored), batch, channels, at);
      }
      this.#seen.set(name, seen);
      if (!differences) continue;
      const { stored } = plan.levels[level]!;
      for (const [to, rows] of given.entries()) {
        const own = wholeRows(
          level,
          rows.map((row) => stored[row]!),
        );
        this.#known.set(`${name} ${to}`, takeRows(all, batch, channels, own));
      }
    }
    for (const { name, channels, level } of attended) {
      const all = floats(outputs, `new.${name}`);
      this.#seen.set(name, takeRows(all, batch, channels, wholeRows(level, others[level]!.rows)));
      if (differences)
        this.#known.set(name, takeRows(all, batch, channels, wholeRows(level, plan.levels[level]!.stored)));
    }
  }

  /** Posts what the others need of a step over this band; `more` goes to all of them. */
  async post(
    mailbox: Mailbox,
    step: number,
    outputs: Outputs,
    more: readonly Uint8Array[] = [],
    computes: Computes = everything,
  ): Promise<void> {
    const { index, count } = this.#exchange;
    const { windows, attended } = this.#computed(computes);
    const batch = this.#batch;
    const common = attended.flatMap(({ name, channels }) => {
      const known = this.#known.get(name);
      const given = known && pictures(known, batch);
      const fresh = pictures(floats(outputs, `new.${name}`), batch);
      return fresh.map((rows, b) => this.#coded(rows, channels, given?.[b]));
    });
    await mailbox.post(step, 'all', [...common, ...more]);
    for (let to = 0; to < count; to++) {
      const parts = windows.flatMap(({ feature: { name, channels }, given }) => {
        const rows = given[to]!;
        if (to === index || rows.length === 0) return [];
        const taken = takeRows(floats(outputs, `new.${name}`), batch, channels, rows);
        return [this.#coded(taken, channels, this.#known.get(`${name} ${to}`))];
      });
      if (parts.length > 0) await mailbox.post(step, to, parts);
    }
  }

  /** Fetches what the others posted for a step that computed some features; `more`: slots for a band's further parts. */
  async fetch(
    mailbox: Mailbox,
    step: number,
    more: (from: number) => Uint8Array[] = () => [],
    computes: Computes = everything,
  ): Promise<void> {
    const { index, count } = this.#exchange;
    for (let from = 0; from < count; from++) {
      if (from === index) continue;
      await this.#fetchCommon(mailbox, step, from, more(from), computes);
      await this.#fetchHalo(mailbox, step, from, computes);
    }
  }

  async #fetchCommon(
    mailbox: Mailbox,
    step: number,
    from: number,
    more: Uint8Array[],
    computes: Computes,
  ): Promise<void> {
    const { others } = this.#exchange;
    const { attended } = this.#computed(computes);
    const targets = attended.flatMap(({ name, level, channels }) =>
      this.#partsOf(this.#seen.get(name)!, channels, others[level]!.counts, from).map((rows) => ({
        rows,
        channels,
        slot: this.#slot(rows, channels),
      })),
    );
    await mailbox.fetch(step, from, 'all', [...targets.map(({ slot }) => slot), ...more]);
    for (const { rows, channels, slot } of targets) this.#decoded(slot, rows, channels);
  }

  async #fetchHalo(mailbox: Mailbox, step: number, from: number, computes: Computes): Promise<void> {
    const batch = this.#batch;
    const reads = this.#computed(computes)
      .windows.filter(({ taken }) => taken[from]!.length > 0)
      .map(({ feature: { name, channels }, taken }: WindowExchange) => {
        const rows = takeRows(this.#seen.get(name)!, batch, channels, taken[from]!);
        return { name, channels, at: taken[from]!, rows, slot: this.#slot(rows, channels) };
      });
    if (reads.length === 0) return;
    await mailbox.fetch(
      step,
      from,
      this.#exchange.index,
      reads.map(({ slot }) => slot),
    );
    for (const { name, channels, at, rows, slot } of reads) {
      this.#decoded(slot, rows, channels);
      putRows(this.#seen.get(name)!, rows, batch, channels, at);
    }
  }

  /** Codes rows for sending; `known`: the receivers' copies, if differences are sent. */
  #coded(rows: Float32Array, channels: number, known?: Float32Array): Uint8Array {
    if (this.#coding === 'float32') return bytesOf(rows);
    const out = new Uint8Array(codedBytes(this.#coding, rows.length / channels, channels));
    encode(this.#coding, rows, channels, out, known);
    return out;
  }

  /** Buffer for received rows; uncoded ones are read directly into their place. */
  #slot(rows: Float32Array, channels: number): Uint8Array {
    if (this.#coding === 'float32') return bytesOf(rows);
    return new Uint8Array(codedBytes(this.#coding, rows.length / channels, channels));
  }

  #decoded(slot: Uint8Array, rows: Float32Array, channels: number): void {
    if (this.#coding !== 'float32') decode(this.#coding, slot, rows, channels);
  }

  /** The rows of one band among the others' rows, for each image of the batch. */
  #partsOf(rows: Float32Array, channels: number, counts: readonly number[], band: number): Float32Array[] {
    const total = counts.reduce((a, b) => a + b, 0);
    const before = counts.slice(0, band).reduce((a, b) => a + b, 0);
    return Array.from({ length: this.#batch }, (_, b) => {
      const from = (b * total + before) * channels;
      return rows.subarray(from, from + counts[band]! * channels);
    });
  }
}

/** Rows of a batch, image by image. */
function pictures(rows: Float32Array, batch: number): Float32Array[] {
  const length = rows.length / batch;
  return Array.from({ length: batch }, (_, b) => rows.subarray(b * length, (b + 1) * length));
}
