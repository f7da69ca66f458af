import type { MacCount } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { activeFractions, activeMasks } from '../../regions/plan.ts';
import type { Features } from '../../regions/store.ts';
import type { Program } from '../backend.ts';
import { type Computed, EVERYTHING, type Plan } from '../plan.ts';
import type { Region as RowsRegion, RowsUNet } from './rows-unet.ts';

/** A whole image in planar form. */
export class PlanarPlan implements Plan {
  readonly positions = undefined;
  readonly computed = EVERYTHING;
  readonly program: Program;
  /** Latent height and width. */
  readonly size: readonly [number, number];
  readonly count: (tokens: number) => MacCount;
  readonly network: Network;

  constructor(
    program: Program,
    size: readonly [number, number],
    count: (tokens: number) => MacCount,
    network: Network,
  ) {
    this.program = program;
    this.size = size;
    this.count = count;
    this.network = network;
  }

  macs(tokens: number, runs = 1): number {
    return runs * this.count(tokens).total;
  }
}

/** A part of an image, or all of it, in rows form. */
export class RowsPlan implements Plan {
  readonly positions: Int32Array | undefined;
  readonly computed: Computed;
  readonly unet: RowsUNet;
  readonly region: RowsRegion;

  /** `isWhole`: samples are whole latents; else they have only the region's positions. */
  constructor(unet: RowsUNet, region: RowsRegion, isWhole: boolean) {
    const { plan } = region;
    this.unet = unet;
    this.region = region;
    this.positions = isWhole ? undefined : plan.levels[0]!.active;
    this.computed = isWhole ? EVERYTHING : { fractions: activeFractions(plan), masks: activeMasks(plan) };
  }

  count(tokens: number): MacCount {
    return this.unet.count(this.region, tokens);
  }

  macs(tokens: number, runs = 1): number {
    return this.unet.macs(this.region, tokens, runs);
  }
}

/** Fresh rows of a region. */
export class FreshRows implements Features {
  readonly tensors: Readonly<Record<string, Tensor>>;

  constructor(tensors: Readonly<Record<string, Tensor>>) {
    this.tensors = tensors;
  }

  pieces() {
    return Object.values(this.tensors).map(({ data }) => data);
  }
}
