import type { Arithmetic } from '../../../shared/api.ts';
import { countMacs } from '../../graph/macs.ts';
import { joined } from '../../numbers.ts';
import { dilate } from '../../regions/mask.ts';
import { recordedOf } from '../../regions/recorded.ts';
import { overPlanes, toRows } from '../../regions/rows.ts';
import type { Features } from '../../regions/store.ts';
import type { BandOf, DenoisedBand } from '../bands/band-of.ts';
import { batchOf, type Condition, conditionAt, guide, imageArea } from '../condition.ts';
import type { Denoiser, Prediction, PredictOptions, Region, Whole } from '../denoiser.ts';
import { denoiserInputs } from '../denoiser-inputs.ts';
import type { Plan } from '../plan.ts';
import { KeptRows } from '../unet/kept-features.ts';
import { KeptTokens, keptTokensFrom } from './kept-tokens.ts';
import { referenceRows } from './reference-rows.ts';
import { type Grid, planTokens, wholeTokens } from './token-plan.ts';
import type { Feeds, TokensNetwork } from './tokens-network.ts';
import { FreshTokens, TokensPlan } from './tokens-plan.ts';
import { openTokenBand } from './transformer-bands.ts';
import type { TransformerForms } from './transformer-forms.ts';

/**
 * Edits one after another that continue a record with sums. Rows are rounded when they are recorded, but added to the sums
 * before; if they are taken off again, the difference stays. After n edits of the same place the error of the sums is at
 * most about n times that of one; after eight it was 5.0 times in the test.
 */
const MOST_EDITS = 8;

/** A transformer as a denoiser, in one precision. */
export class TransformerDenoiser implements Denoiser {
  /** A position stands for 16×16 pixels or more, and attention shows each the whole image. */
  readonly ring = 0;
  readonly reuses = false;
  readonly #forms: TransformerForms;
  readonly #arithmetic: Arithmetic;
  readonly #images: readonly Grid[];

  /** `images`: sizes of the images that are read beside its own. */
  constructor(forms: TransformerForms, arithmetic: Arithmetic, images: readonly Grid[] = []) {
    this.#forms = forms;
    this.#arithmetic = arithmetic;
    this.#images = images;
  }

  async plan(what: Whole | Region, batch: number): Promise<TokensPlan> {
    const { precision } = this.#arithmetic;
    if (what.of === 'region') {
      const tokens = planTokens(dilate(what.mask, what.ring), this.#images, this.#forms.network.cell);
      return new TokensPlan(await this.#forms.editing(precision, batch), tokens, batch, false);
    }
    const network = await (what.records
      ? this.#forms.editing(precision, batch)
      : this.#forms.drawing(precision));
    return new TokensPlan(network, wholeTokens(what.height, what.width, this.#images), batch, true);
  }

  async predict(
    plan: Plan,
    sample: Float32Array,
    timestep: number,
    whole: Condition,
    { seen, record = false }: PredictOptions = {},
  ): Promise<Prediction> {
    const condition = conditionAt(whole, timestep);
    if (!(plan instanceof TokensPlan)) throw new Error('the plan is of another denoiser');
    const { tokens, positions } = plan;
    const { active, computed } = tokens;
    const channels = sample.length / (positions ? active.length : tokens.height * tokens.width);
    const every = positions ? active.map((_, i) => i) : active;
    const own = toRows(sample, 1, channels, every);
    const rows = computed.length > active.length ? joined([own, ...referenceRows(condition)]) : own;
    const batch = batchOf(condition);
    const inputs = denoiserInputs(rows, [computed.length, channels], timestep, condition);
    const pass = await passed(plan, batch, inputs, { seen, record });
    const guided = guide(pass.output, condition);
    const output = new Float32Array(sample.length);
    overPlanes(output, guided, 1, channels, every);
    return { output, ...(record && { features: pass.features() }) };
  }

  async updated(seen: Features, plan: Plan, fresh: Features): Promise<Features | undefined> {
    if (plan instanceof TokensPlan && fresh instanceof KeptRows && seen instanceof KeptTokens)
      return updatedKept(seen, plan, fresh);
    if (!(plan instanceof TokensPlan && fresh instanceof FreshTokens))
      throw new Error('the features are of another denoiser');
    const { network, tokens, batch } = plan;
    if (tokens.isWhole) return network.recorded(batch, fresh.tensors);
    const recorded = recordedOf(seen);
    if (isWorn(network, recorded)) return undefined;
    const next = network.updated(recorded, tokens, batch, fresh.tensors);
    if (next !== recorded) next.edits = recorded.edits + 1;
    return next;
  }

  stepMacs({ height, width }: { height: number; width: number }, batch: number, tokens: number): number {
    const references = imageArea(this.#images);
    return countMacs(this.#forms.network, { height, width, batch, tokens, references }).total;
  }

  async band(what: BandOf, batch: number): Promise<DenoisedBand> {
    return openTokenBand(await this.#forms.bands(this.#arithmetic.precision), what, batch, this.#images);
  }
}

/** One run. `features`: those of the pass, recorded if it computed everything. */
async function passed(
  { network, tokens, isWhole }: TokensPlan,
  batch: number,
  inputs: Feeds,
  { seen, record }: { seen: Features | undefined; record: boolean },
): Promise<{ output: Float32Array; features: () => Features }> {
  const before = isWhole ? undefined : seen;
  if (network.keepsFeatures) {
    if (before && !(before instanceof KeptTokens)) throw new Error('the features are of another denoiser');
    const options = { ...(before && { recorded: before }), features: record };
    const { output, features } = await network.passKept(tokens, batch, inputs, options);
    return { output, features: () => (isWhole ? keptTokensFrom(features) : new KeptRows(features)) };
  }
  const recorded = before && recordedOf(before);
  const options = { ...(recorded && { recorded }), features: record };
  const { output, features } = await network.pass(tokens, batch, inputs, options);
  return {
    output,
    features: () => (isWhole ? network.recorded(batch, features) : new FreshTokens(features)),
  };
}

/** As `updated`, with features that stay on the device. */
async function updatedKept(
  seen: KeptTokens,
  { network, tokens, batch }: TokensPlan,
  { tensors }: KeptRows,
): Promise<Features | undefined> {
  if (tokens.isWhole) return keptTokensFrom(tensors);
  if (isWorn(network, seen)) return undefined;
  const next = await network.updatedKept(seen, tokens, batch, tensors);
  if (next !== seen) next.edits = seen.edits + 1;
  return next;
}

/** Whether sums have been continued so often that the next record has to be a new one. */
function isWorn({ features }: TokensNetwork, { edits }: { edits: number }): boolean {
  return features.attentions.length > 0 && edits >= MOST_EDITS;
}
