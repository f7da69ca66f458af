import { type Coding, coded, codesDifferences, decode, slotOf } from '../../../shared/codings.ts';
import { floats, type Tensor } from '../../graph/tensor.ts';
import type { RegionPlan } from '../../regions/plan.ts';
import { putRows, takeRows } from '../../regions/rows.ts';
import type { Exchange, SentFeature } from './exchange.ts';
import type { Mailbox, Recipient } from './mailbox.ts';

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
  /** By feature: what is read [images, rows, channels]; see `SentFeature`. */
  readonly #seen = new Map<string, Float32Array>();
  /** The others' copies of this band's rows, in the parts that are sent, if differences are. */
  readonly #known = new Map<string, Float32Array[]>();

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

  /** What this band reads of a feature [images, rows, channels]; rows that no band computes are zero. */
  rows(name: string): Float32Array | undefined {
    return this.#seen.get(name);
  }

  /** Names of the outputs that others need. */
  outputs(computes: Computes = everything): string[] {
    return this.#sent(computes).map(({ feature }) => `new.${feature.name}`);
  }

  #sent(computes: Computes): SentFeature[] {
    return this.#exchange.sent.filter(({ feature }) => computes(feature.name));
  }

  /** Takes from a step over all bands everything that the bands would have exchanged. */
  remember(outputs: Outputs, computes: Computes = everything): void {
    for (const sent of this.#sent(computes)) {
      const { feature, own, read, padding, taken, given, channels } = sent;
      const { name } = feature;
      const images = this.#images(sent);
      const all = floats(outputs, `new.${name}`);
      const whole = (places: Int32Array, rows: Int32Array) => {
        const at = rows.map((row) => places[row]!);
        return takeRows(all, images, channels, this.#inWhole(sent, at));
      };
      const seen = new Float32Array(images * (read.length + padding) * channels);
      for (const rows of taken) putRows(seen, whole(read, rows), images, channels, rows);
      this.#seen.set(name, seen);
      if (!codesDifferences(this.#codingOf(sent))) continue;
      for (const [to, rows] of given) {
        const copy = whole(own, rows);
        this.#known.set(`${name} ${to}`, to === 'all' ? this.#inPlace(sent, copy, rows) : [copy]);
      }
    }
  }

  /** Posts what the others need of a step over this band. */
  async post(
    mailbox: Mailbox,
    step: number,
    outputs: Outputs,
    computes: Computes = everything,
  ): Promise<void> {
    const messages = new Map<Recipient, Uint8Array[]>();
    for (const sent of this.#sent(computes)) {
      const { feature, given, taken, channels } = sent;
      const { name } = feature;
      const images = this.#images(sent);
      const fresh = floats(outputs, `new.${name}`);
      for (const [to, rows] of given) {
        const parts = this.#parts(sent, fresh, rows);
        const known = this.#known.get(`${name} ${to}`);
        const message = parts.map((part, i) => coded(this.#codingOf(sent), part, channels, known?.[i]));
        messages.set(to, [...(messages.get(to) ?? []), ...message]);
      }
      const own = taken[this.#exchange.index]!;
      if (own.length > 0) putRows(this.#seen.get(name)!, fresh, images, channels, own);
    }
    for (const [to, parts] of messages) await mailbox.post(step, to, parts);
  }

  /** Fetches what the others posted for a step that computed some features. */
  async fetch(mailbox: Mailbox, step: number, computes: Computes = everything): Promise<void> {
    const { index, count } = this.#exchange;
    const sent = this.#sent(computes);
    for (let from = 0; from < count; from++) {
      if (from === index) continue;
      await this.#fetchFrom(from, 'all', sent.filter(isForAll), mailbox, step);
      await this.#fetchFrom(
        from,
        index,
        sent.filter((one) => !isForAll(one)),
        mailbox,
        step,
      );
    }
  }

  async #fetchFrom(
    from: number,
    to: Recipient,
    sent: readonly SentFeature[],
    mailbox: Mailbox,
    step: number,
  ): Promise<void> {
    const reads = sent
      .filter(({ taken }) => taken[from]!.length > 0)
      .map((one) => {
        const coding = this.#codingOf(one);
        const seen = this.#seen.get(one.feature.name)!;
        const parts = this.#parts(one, seen, one.taken[from]!);
        return { one, coding, seen, parts, slots: parts.map((rows) => slotOf(coding, rows, one.channels)) };
      });
    if (reads.length === 0) return;
    const slots = reads.flatMap((read) => read.slots);
    await mailbox.fetch(step, from, to, slots);
    for (const { one, coding, seen, parts, slots } of reads) {
      for (const [i, rows] of parts.entries()) decode(coding, slots[i]!, rows, one.channels);
      if (!isForAll(one)) putRows(seen, parts[0]!, this.#images(one), one.channels, one.taken[from]!);
    }
  }

  /** The parts in which rows travel: for all bands image by image, in place; for one band a copy of all images'. */
  #parts(sent: SentFeature, rows: Float32Array, at: Int32Array): Float32Array[] {
    if (isForAll(sent)) return this.#inPlace(sent, rows, at);
    return [takeRows(rows, this.#images(sent), sent.channels, at)];
  }

  /** A run of each image's rows [images, rows, channels]. */
  #inPlace(sent: SentFeature, rows: Float32Array, at: Int32Array): Float32Array[] {
    const { channels } = sent;
    const images = this.#images(sent);
    const first = (at[0] ?? 0) * channels;
    return Array.from({ length: images }, (_, image) => {
      const from = (image * rows.length) / images + first;
      return rows.subarray(from, from + at.length * channels);
    });
  }

  #images({ perImage }: SentFeature): number {
    return perImage * this.#batch;
  }

  #codingOf({ isExact }: SentFeature): Coding {
    return isExact ? 'float32' : this.#coding;
  }

  /** Rows of a step over all bands. */
  #inWhole({ level }: SentFeature, places: Int32Array): Int32Array {
    if (level === undefined) return places;
    return places.map((place) => this.#wholeRows[level]![place]!);
  }
}

function isForAll({ given }: SentFeature): boolean {
  return given.has('all');
}
