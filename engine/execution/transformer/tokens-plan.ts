import type { MacCount } from '../../graph/macs.ts';
import { floats } from '../../graph/tensor.ts';
import { activeCount, coarser, type Mask } from '../../regions/mask.ts';
import type { Features } from '../../regions/store.ts';
import { type Computed, EVERYTHING, type Plan } from '../plan.ts';
import { countRegion } from './region-macs.ts';
import type { TokenPlan } from './token-plan.ts';
import type { Feeds, TokensNetwork } from './tokens-network.ts';

/** All positions of an image, or some of them. */
export class TokensPlan implements Plan {
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
    const masks = levelMasks(tokens.mask, network.network.cell);
    this.computed = isWhole
      ? EVERYTHING
      : { fractions: masks.map((mask) => activeCount(mask) / mask.data.length), masks };
  }

  count(tokens: number): MacCount {
    return countRegion(this.network.network, this.tokens, { batch: this.batch, tokens });
  }

  macs(tokens: number, runs = 1): number {
    return this.network.macs(this.tokens, this.batch, tokens, runs);
  }
}

/** A mask at every level of a transformer. */
export function levelMasks(mask: Mask, cell = 1): Mask[] {
  return Array.from({ length: 1 + Math.log2(cell) }, (_, level) => coarser(mask, 2 ** level));
}

/** Fresh features of a part. */
export class FreshTokens implements Features {
  readonly tensors: Readonly<Feeds>;

  constructor(tensors: Readonly<Feeds>) {
    this.tensors = tensors;
  }

  pieces() {
    return Object.values(this.tensors).map((tensor) => floats({ tensor }, 'tensor'));
  }
}
