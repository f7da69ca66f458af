import type { Arithmetic } from '../../../shared/api.ts';
import { InputError } from '../../errors.ts';
import { countMacs } from '../../graph/macs.ts';
import { floats } from '../../graph/tensor.ts';
import { activeCount, dilate } from '../../regions/mask.ts';
import { Recorded } from '../../regions/recorded.ts';
import { overPlanes, toRows } from '../../regions/rows.ts';
import type { Features } from '../../regions/store.ts';
import type { DenoisedBand } from '../bands/band-of.ts';
import { batchOf, type Condition, guide } from '../condition.ts';
import type { Denoiser, Prediction, PredictOptions, Region, Whole } from '../denoiser.ts';
import { denoiserInputs } from '../denoiser-inputs.ts';
import type { Computed, Plan } from '../plan.ts';
import { planTokens, type TokenPlan, wholeTokens } from './token-plan.ts';
import type { Feeds, TokensNetwork } from './tokens-network.ts';
import type { TransformerForms } from './transformer-forms.ts';

/** A transformer as a denoiser, in one precision. */
export class TransformerDenoiser implements Denoiser {
  /** A position stands for 32×32 pixels, and linear attention shows each the whole picture. */
  readonly ring = 0;
  readonly #forms: TransformerForms;
  readonly #arithmetic: Arithmetic;

  constructor(forms: TransformerForms, arithmetic: Arithmetic) {
    this.#forms = forms;
    this.#arithmetic = arithmetic;
  }

  async plan(what: Whole | Region, batch: number): Promise<TokensPlan> {
    const { precision } = this.#arithmetic;
    if (what.of === 'region') {
      const tokens = planTokens(dilate(what.mask, what.ring));
      return new TokensPlan(await this.#forms.editing(precision), tokens, batch, false);
    }
    const network = await (what.records ? this.#forms.editing(precision) : this.#forms.drawing(precision));
    return new TokensPlan(network, wholeTokens(what.height, what.width), batch, true);
  }

  async predict(
    plan: Plan,
    sample: Float32Array,
    timestep: number,
    condition: Condition,
    { seen, record = false }: PredictOptions = {},
  ): Promise<Prediction> {
    if (!(plan instanceof TokensPlan)) throw new Error('the plan is of another denoiser');
    const { network, tokens, positions } = plan;
    const { active } = tokens;
    const channels = sample.length / (positions ? active.length : tokens.height * tokens.width);
    const every = positions ? active.map((_, i) => i) : active;
    const rows = toRows(sample, 1, channels, every);
    const batch = batchOf(condition);
    const inputs = denoiserInputs(rows, [active.length, channels], timestep, condition);
    const recorded = seen && recordedOf(seen);
    const pass = await network.pass(tokens, batch, inputs, {
      ...(recorded && !plan.isWhole && { recorded }),
      features: record,
    });
    const guided = guide(pass.output, condition);
    const output = new Float32Array(sample.length);
    overPlanes(output, guided, 1, channels, every);
    if (!record) return { output };
    const features = plan.isWhole ? network.recorded(batch, pass.features) : new FreshTokens(pass.features);
    return { output, features };
  }

  updated(seen: Features, plan: Plan, fresh: Features): Features {
    if (!(plan instanceof TokensPlan && fresh instanceof FreshTokens))
      throw new Error('the features are of another denoiser');
    return plan.network.updated(recordedOf(seen), plan.tokens, plan.batch, fresh.tensors);
  }

  stepMacs({ height, width }: { height: number; width: number }, batch: number, tokens: number): number {
    return countMacs(this.#forms.network, { height, width, batch, tokens }).total;
  }

  async band(): Promise<DenoisedBand> {
    throw new InputError('Workers cannot share an image of this kind of model yet: leave out the workers.', {
      setting: 'workers',
    });
  }
}

const EVERYTHING: Computed = { fractions: [], masks: [] };

/** All positions of an image, or some of them. */
class TokensPlan implements Plan {
  readonly positions: Int32Array | undefined;
  readonly computed: Computed;
  readonly network: TokensNetwork;
  readonly tokens: TokenPlan;
  readonly batch: number;
  readonly isWhole: boolean;

  /** `isWhole`: samples are whole latents; else they have only the plan's positions. */
  constructor(network: TokensNetwork, tokens: TokenPlan, batch: number, isWhole: boolean) {
    this.network = network;
    this.tokens = tokens;
    this.batch = batch;
    this.isWhole = isWhole;
    this.positions = isWhole ? undefined : tokens.active;
    const { mask } = tokens;
    this.computed = isWhole
      ? EVERYTHING
      : { fractions: [activeCount(mask) / mask.data.length], masks: [mask] };
  }

  macs(tokens: number, runs = 1): number {
    return this.network.macs(this.tokens, this.batch, tokens, runs);
  }
}

/** Fresh features of a part. */
class FreshTokens implements Features {
  readonly tensors: Readonly<Feeds>;

  constructor(tensors: Readonly<Feeds>) {
    this.tensors = tensors;
  }

  pieces() {
    return Object.values(this.tensors).map((tensor) => floats({ tensor }, 'tensor'));
  }
}

function recordedOf(features: Features): Recorded {
  if (!(features instanceof Recorded)) throw new Error('the features are of another denoiser');
  return features;
}
