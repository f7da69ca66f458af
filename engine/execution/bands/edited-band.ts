import type { Coding } from '../../../shared/api.ts';
import { floats, type Tensor } from '../../graph/tensor.ts';
import { quantizeChannels } from '../../regions/bytes.ts';
import { scaleName } from '../../regions/features.ts';
import type { Mask } from '../../regions/mask.ts';
import { planLevels } from '../../regions/plan.ts';
import type { Recorded } from '../../regions/recorded.ts';
import { putRows, takeRows } from '../../regions/rows.ts';
import { featureFeeds } from '../unet/feeds.ts';
import type { Pass, Region, RowsUNet } from '../unet/rows-unet.ts';
import type { PatchMode } from './band-of.ts';
import type { Bands } from './bands.ts';
import { type Exchange, planBands, planExchange } from './exchange.ts';
import type { Mailbox } from './mailbox.ts';
import { SeenFeatures } from './seen-features.ts';

interface EditedBandOptions {
  bands: Bands;
  index: number;
  /** The positions that the edit computes, for each level. */
  active: readonly Mask[];
  /** Images in one run: 2 with both branches of guidance. */
  batch: number;
  mode: PatchMode;
  coding: Coding;
}

/**
 * One band of the positions that an edit computes. Outside the edit it reads recorded features, at the other bands'
 * positions their features of the step before. A step over all bands needs nothing from the others.
 */
export class EditedBand {
  readonly exchange: Exchange;
  readonly #unet: RowsUNet;
  readonly #options: EditedBandOptions;
  readonly #region: Region;
  readonly #whole: Region;
  readonly #seen: SeenFeatures;
  /** By level: which of the recorded rows that attention reads belong to other bands, band by band. */
  readonly #others: readonly Int32Array[];
  /** Whether the others' features are known, as they are after the first step over all bands. */
  #sees = false;
  #outgoing: Readonly<Record<string, Tensor>> | undefined;

  constructor(unet: RowsUNet, options: EditedBandOptions) {
    const { bands, index, active, batch, coding } = options;
    this.#unet = unet;
    this.#options = options;
    // Group norms use the recorded statistics.
    const features = unet.form(batch).features.filter(({ kind }) => kind !== 'moments');
    this.exchange = planExchange(features, planBands(bands, active), index);
    this.#region = unet.planned(this.exchange.plan, batch);
    this.#whole = unet.planned(planLevels(active), batch);
    this.#seen = new SeenFeatures(this.exchange, this.#whole.plan, batch, coding);
    this.#others = this.exchange.plan.levels.map(({ inactive }, level) => {
      const places = new Map([...inactive].map((stored, i) => [stored, i]));
      const attended = this.exchange.sent.find(
        ({ feature }) => feature.kind === 'attended' && feature.level === level,
      );
      return (attended?.read ?? new Int32Array()).map((stored) => places.get(stored)!);
    });
  }

  /** This band's positions at level 0, in the order of its rows. */
  get positions(): Int32Array {
    return this.exchange.plan.levels[0]!.active;
  }

  /** Positions at level 0 in the order of the rows of a step over all bands. */
  get everywhere(): Int32Array {
    return this.#whole.plan.levels[0]!.active;
  }

  /** The region of a step over all bands. */
  get whole(): Region {
    return this.#whole;
  }

  /** A step over all bands: the inputs have all of their rows. */
  async dense(inputs: Record<string, Tensor>, recorded: Recorded): Promise<Pass> {
    const pass = await this.#unet.pass(this.#whole, inputs, { recorded, features: true });
    if (this.#exchanges) {
      this.#seen.remember(pass.features);
      this.#sees = true;
    }
    return pass;
  }

  /** A step over this band: the inputs have its rows. Resolves with the output [B, rows, C]. */
  async step(inputs: Record<string, Tensor>, recorded: Recorded): Promise<Float32Array> {
    const form = this.#unet.form(this.#options.batch);
    const fed = featureFeeds(form, this.#region.plan, recorded, this.#region.buffers);
    if (this.#sees) this.#overlay(fed);
    const others = this.#exchanges ? this.#seen.outputs() : [];
    const { output, features } = await this.#unet.pass(this.#region, inputs, { fed, others });
    if (this.#exchanges) this.#outgoing = features;
    return output;
  }

  /** Posts the features of the last step that the others need. */
  async post(mailbox: Mailbox, step: number): Promise<void> {
    const outputs = this.#outgoing;
    this.#outgoing = undefined;
    if (outputs) await this.#seen.post(mailbox, step, outputs);
  }

  /** Fetches the features that the others posted for a step. */
  async fetch(mailbox: Mailbox, step: number): Promise<void> {
    if (this.#exchanges) await this.#seen.fetch(mailbox, step);
  }

  /** Whether features are exchanged with other bands. */
  get #exchanges(): boolean {
    return this.#options.mode === 'displaced' && this.exchange.count > 1;
  }

  /** Replaces recorded features at the other bands' positions by theirs. */
  #overlay(feeds: Readonly<Record<string, Tensor>>): void {
    const { batch } = this.#options;
    for (const { feature, taken, channels } of this.exchange.sent) {
      const { name, kind, level } = feature;
      const seen = this.#seen.rows(name)!;
      if (kind === 'window') {
        for (const at of taken)
          putRows(floats(feeds, name), takeRows(seen, batch, channels, at), batch, channels, at);
        continue;
      }
      const fed = feeds[name]!;
      const at = this.#others[level]!;
      if (fed.type === 'int8') {
        const { bytes } = quantizeChannels(seen, channels, floats(feeds, scaleName(name)));
        putRows(fed.data, bytes, batch, channels, at);
      } else putRows(floats(feeds, name), seen, batch, channels, at);
    }
  }
}
