import { bytesOf, type Coding, coded, codesDifferences, decode, slotOf } from '../../../shared/codings.ts';
import { InputError } from '../../errors.ts';
import { floats } from '../../graph/tensor.ts';
import { type Recorded, withRows } from '../../regions/recorded.ts';
import { takeRows } from '../../regions/rows.ts';
import { anchoredRows, type RowsFeature, rowsName, sumsName } from '../../regions/token-features.ts';
import type { PatchMode } from '../bands/band-of.ts';
import { type Bands, bandCount, bandMasks } from '../bands/bands.ts';
import type { Mailbox } from '../bands/mailbox.ts';
import { imageArea } from '../condition.ts';
import { type Grid, planTokens, type TokenPlan, wholeTokens } from './token-plan.ts';
import type { Feeds, TokensNetwork } from './tokens-network.ts';

interface TokenBandOptions {
  bands: Bands;
  index: number;
  batch: number;
  mode: PatchMode;
  coding: Coding;
  /** Sizes of the images that are read beside its own. */
  references?: readonly Grid[];
}

/** What a band exchanges with another one: positions of the other that it reads, and its own that the other reads. */
interface Neighbour {
  readonly index: number;
  /** All positions of the other. */
  readonly plan: TokenPlan;
  readonly taken: Int32Array;
  readonly given: Int32Array;
}

/**
 * One band of a transformer's image. It computes its positions like an edit of the image as it was after the last step.
 * From the others it reads by how much that step changed the sums of linear attention, the keys and values of attention
 * over text and image, and the rows beside it. Every band computes the text's tokens and the reference images itself. A dense step computes
 * every band and needs nothing from the others. The first step must be dense.
 */
export class TokenBand {
  readonly #network: TokensNetwork;
  readonly #options: TokenBandOptions;
  readonly #all: TokenPlan;
  readonly #own: TokenPlan;
  readonly #neighbours: readonly Neighbour[];
  /** The image as it was after the last step, as far as this band reads it. */
  #record: Recorded | undefined;
  /** Changes of the sums in this band's last step, and its rows. */
  #outgoing: { changes: Float32Array[]; features: Feeds } | undefined;

  /** `network` keeps features as float32. */
  constructor(network: TokensNetwork, options: TokenBandOptions) {
    const { bands, index, references = [] } = options;
    this.#network = network;
    this.#options = options;
    this.#all = wholeTokens(bands.height, bands.width, references);
    const plans = Array.from({ length: bandCount(bands) }, (_, k) =>
      planTokens(bandMasks(bands, k)[0]!, references, network.network.cell, { withReferences: true }),
    );
    this.#own = plans[index]!;
    this.#neighbours = plans.flatMap((other, k) =>
      k === index
        ? []
        : [
            {
              index: k,
              plan: other,
              taken: inBoth(this.#own.halo, other.active),
              given: inBoth(this.#own.active, other.halo),
            },
          ],
    );
  }

  get own(): TokenPlan {
    return this.#own;
  }

  get everywhere(): TokenPlan {
    return this.#all;
  }

  /** A step over every band: the inputs have all rows, and those of references. Resolves with the output [B, all rows, C]. */
  async dense(inputs: Feeds): Promise<Float32Array> {
    const { batch } = this.#options;
    const { output, features } = await this.#network.pass(this.#all, batch, inputs, { features: true });
    this.#record = this.#network.recorded(batch, features);
    this.#outgoing = undefined;
    return output;
  }

  /**
   * A step over this band: the inputs have its rows, and those of references. Resolves with the output [B, rows, C].
   * @throws InputError if no dense step was before, as bands in the mode `naive` may ask for
   */
  async step(inputs: Feeds): Promise<Float32Array> {
    const { batch } = this.#options;
    const before = this.#record;
    if (!before)
      throw new InputError(
        'Bands of this kind of model begin with a step over the whole image: take at least one warm-up step.',
      );
    const options = { recorded: before, features: true };
    const { output, features } = await this.#network.pass(this.#own, batch, inputs, options);
    const after = this.#network.updated(before, this.#own, batch, features);
    const changes = this.#sums.map((name) => {
      const [now, then] = [after.get(name) as Float32Array, before.get(name) as Float32Array];
      return now.map((value, i) => value - then[i]!);
    });
    this.#record = after;
    this.#outgoing = { changes, features };
    return output;
  }

  /** Posts the features of the last step that the others need. */
  async post(mailbox: Mailbox, step: number): Promise<void> {
    const outgoing = this.#outgoing;
    this.#outgoing = undefined;
    if (!outgoing || !this.#exchanges) return;
    const { batch } = this.#options;
    const attended = this.#attended.map((feature) => {
      const rows = floats(outgoing.features, `new.${feature.name}`);
      // Rows of references follow those of the image, and are not sent.
      const sent = this.#sentOf(this.#own, feature).map((_, row) => row);
      const isAll = rows.length === batch * sent.length * feature.channels;
      const taken = isAll ? rows : takeRows(rows, batch, feature.channels, sent);
      return coded(this.#coding, taken, feature.channels);
    });
    await mailbox.post(step, 'all', [...outgoing.changes.map(bytesOf), ...attended]);
    const rowOf = new Map([...this.#own.active].map((position, row) => [position, row]));
    for (const { index, given } of this.#neighbours) {
      if (given.length === 0) continue;
      const rows = given.map((position) => rowOf.get(position)!);
      const parts = this.#network.features.windows.map((feature) => {
        const all = floats(outgoing.features, `new.${rowsName(feature)}`);
        const { channels } = feature.anchor;
        return coded(this.#coding, takeRows(all, batch, channels, rows), channels);
      });
      await mailbox.post(step, index, parts);
    }
  }

  /** Fetches the features that the others posted for a step. */
  async fetch(mailbox: Mailbox, step: number): Promise<void> {
    if (!this.#exchanges || !this.#record) return;
    for (const neighbour of this.#neighbours) {
      const changes = this.#sums.map(
        (name) => new Float32Array((this.#record!.get(name) as Float32Array).length),
      );
      const arriving = this.#attended.map((feature) =>
        this.#arriving(feature, this.#sentOf(neighbour.plan, feature)),
      );
      const slots = [...changes.map(bytesOf), ...arriving.map(({ slot }) => slot)];
      await mailbox.fetch(step, neighbour.index, 'all', slots);
      for (const { take } of arriving) take();
      for (const [i, name] of this.#sums.entries()) {
        const own = this.#record.get(name) as Float32Array;
        const change = changes[i]!;
        this.#record.set(
          name,
          own.map((value, j) => value + change[j]!),
        );
      }
      await this.#fetchRows(mailbox, step, neighbour);
    }
  }

  async #fetchRows(mailbox: Mailbox, step: number, { index, taken }: Neighbour): Promise<void> {
    if (taken.length === 0) return;
    const arriving = this.#network.features.windows.map((window) =>
      this.#arriving(anchoredRows(window), taken),
    );
    const slots = arriving.map(({ slot }) => slot);
    await mailbox.fetch(step, index, this.#options.index, slots);
    for (const { take } of arriving) take();
  }

  /** The positions of a band whose keys and values the others read; references, which are the last, all compute. */
  #sentOf(plan: TokenPlan, feature: RowsFeature): Int32Array {
    const { computed } = plan.at(feature);
    return computed.subarray(0, computed.length - imageArea(plan.references));
  }

  /** Room for the coded rows of some positions, and what puts them into the record once they are there. */
  #arriving({ name, channels }: RowsFeature, positions: Int32Array): { slot: Uint8Array; take: () => void } {
    const { batch } = this.#options;
    const rows = new Float32Array(batch * positions.length * channels);
    const slot = slotOf(this.#coding, rows, channels);
    const take = () => {
      decode(this.#coding, slot, rows, channels);
      this.#record!.set(name, withRows(this.#record!.get(name)!, rows, batch, channels, positions));
    };
    return { slot, take };
  }

  /** Keys and values that all bands exchange. */
  get #attended(): RowsFeature[] {
    return this.#network.features.attended.flatMap(({ keys, values }) => [keys, values]);
  }

  get #sums(): string[] {
    return this.#network.features.attentions.map(sumsName);
  }

  /** Differences of rows would save little, because only rows beside a border are sent. */
  get #coding(): Coding {
    const { coding } = this.#options;
    return codesDifferences(coding) ? 'float16' : coding;
  }

  /** Whether features are exchanged with other bands. */
  get #exchanges(): boolean {
    return this.#options.mode === 'displaced' && this.#neighbours.length > 0;
  }
}

function inBoth(a: Int32Array, b: Int32Array): Int32Array {
  const other = new Set(b);
  return a.filter((position) => other.has(position));
}
