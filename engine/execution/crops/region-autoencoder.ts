import { countMacs } from '../../graph/macs.ts';
import { float32, floats } from '../../graph/tensor.ts';
import type { AutoencoderFacts } from '../../models/networks.ts';
import { requireFinite } from '../../numbers.ts';
import {
  type Box,
  fullBox,
  heightOf,
  mergeBoxes,
  partsOf,
  positionsIn,
  scaled,
  widthOf,
} from '../../regions/box.ts';
import { type CropPlan, planCrop } from '../../regions/crop.ts';
import type { Mask } from '../../regions/mask.ts';
import { dilate } from '../../regions/mask.ts';
import { coarsestLevel } from '../../regions/reach.ts';
import { stagesOf } from '../../regions/stages.ts';
import type { Components } from '../components.ts';
import { fromLatents, type LatentDims, toLatents } from '../latents.ts';
import { decodeInTiles, encodeInTiles, tilesOf } from '../tiles.ts';
import { type CropNetwork, type CropRecord, onlyMap } from './crop-network.ts';

/** Latents or planes of a whole image, with the record needed to compute a part of them again. */
export interface Coded {
  /** Latents [C, h, w] of the denoiser, or planes [3, H, W] in about [−1, 1]. */
  readonly data: Float32Array;
  /** Record of the pass that computed the data; valid for this model, image size and direction. */
  readonly record: CropRecord;
  /** Multiply–accumulates spent. */
  readonly macs: number;
}

interface RegionOptions {
  /** Latent positions around the region that are computed too; see `DEFAULT_MARGIN`. */
  margin?: number;
  /** Latent positions by which the mask is dilated first. */
  dilation?: number;
}

/** The empty record of an autoencoder without group norm and attention. */
export const NO_RECORD: CropRecord = new Map();

/**
 * Latent positions computed around a region and discarded. AutoencoderTiny: all that its convolutions read, so that the
 * region is exact; likewise the fine stages of AutoencoderDC, whose coarse ones are computed whole. AutoencoderKL: from
 * 8 on, the error comes only from the recorded moments, measured with `studies/autoencoder-regions.ts`: 5 % of a
 * photograph replaced, 49 to 52 dB inside (53 dB with all that is read).
 */
export const DEFAULT_MARGIN: Readonly<Record<AutoencoderFacts['kind'], number>> = {
  tiny: Number.POSITIVE_INFINITY,
  dc: Number.POSITIVE_INFINITY,
  kl: 8,
};

type Half = 'vae-encoder' | 'vae-decoder';

/**
 * Images ↔ latents, whole or in part. Sizes are in pixels, multiples of the autoencoder's scale; masks have one
 * position for each latent position. AutoencoderTiny and AutoencoderDC are exact. AutoencoderKL uses the record's group
 * norm moments, and its keys and values of distant positions. Programs belong to the components, which release them.
 */
export class RegionAutoencoder {
  readonly facts: AutoencoderFacts;
  readonly #components: Components;
  readonly #inTiles: boolean;

  /** @param tiles computes everything in tiles, without records; see `execution/tiles.ts` */
  constructor(components: Components, { tiles = false } = {}) {
    this.#components = components;
    this.#inTiles = tiles;
    this.facts = components.model.autoencoder;
  }

  /** Whether computing a part needs the record of a whole pass. */
  get needsRecord(): boolean {
    return this.facts.kind === 'kl' && !this.#inTiles;
  }

  /** Planes [3, H, W] in [−1, 1] → latents of the denoiser (the mean, if the encoder outputs a distribution). */
  async encode(planes: Float32Array, width: number, height: number): Promise<Coded> {
    if (this.#inTiles) return this.#tiled('vae-encoder', planes, { width, height });
    if (this.facts.kind === 'dc') return this.#encodeWhole(planes, width, height);
    const network = await this.#network('vae-encoder', width, height);
    const result = await network.whole(planes, { height, width });
    return { ...result, data: this.#toLatents(result.data) };
  }

  /** Tile by tile; with a mask only the tiles that it touches. */
  async #tiled(
    half: Half,
    input: Float32Array,
    { width, height, mask }: { width: number; height: number; mask?: Mask },
  ): Promise<Coded> {
    this.#check(width, height);
    const { latentChannels, scale } = this.facts;
    const dims: LatentDims = [latentChannels, height / scale, width / scale];
    const wanted = mask && ((tile: Box) => positionsIn(tile, mask.width).some((at) => mask.data[at]));
    const network = this.#components.network(half);
    const [{ name, value }, output] = [onlyMap(network.inputs), onlyMap(network.outputs).name];
    const program = await this.#components.program(half);
    const code = async (part: Float32Array, [, h, w]: LatentDims) => {
      const given = half === 'vae-decoder' ? fromLatents(part, this.facts) : part;
      const block = half === 'vae-decoder' ? 1 : scale;
      const outputs = await program.run({
        [name]: float32(given, [1, value.channels, block * h, block * w]),
      });
      const coded = floats(outputs, output);
      requireFinite(coded, `The autoencoder, in ${half === 'vae-decoder' ? 'decoding' : 'encoding'},`);
      return half === 'vae-decoder' ? coded : this.#toLatents(coded);
    };
    const inTiles = half === 'vae-decoder' ? decodeInTiles : encodeInTiles;
    const data = await inTiles(input, dims, scale, code, wanted);
    const macs = tilesOf(dims, wanted).reduce((sum, tile) => {
      const extent = { height: scale * heightOf(tile), width: scale * widthOf(tile), batch: 1, tokens: 0 };
      return sum + countMacs(network, extent).total;
    }, 0);
    return { data, record: NO_RECORD, macs };
  }

  /** A part in tiles, laid over what is known of the rest. */
  async #tiledPart(
    half: Half,
    input: Float32Array,
    before: Pick<Coded, 'data' | 'record'>,
    size: { width: number; height: number; mask: Mask },
  ): Promise<Coded> {
    const { data: fresh, macs } = await this.#tiled(half, input, size);
    const { mask } = size;
    const data = new Float32Array(before.data);
    const [block, everything] = [
      half === 'vae-decoder' ? this.facts.scale : 1,
      fullBox(mask.height, mask.width),
    ];
    pasteBlocks(data, fresh, scaled(everything, block), mask, everything, block);
    return { data, record: before.record, macs };
  }

  /** In planar form: for an encoder whose last stages see everything, a part would not be the whole's. */
  async #encodeWhole(planes: Float32Array, width: number, height: number): Promise<Coded> {
    this.#check(width, height);
    const program = await this.#components.program('vae-encoder');
    const encoded = floats(await program.run({ image: float32(planes, [1, 3, height, width]) }), 'latent');
    requireFinite(encoded, 'The autoencoder, in encoding,');
    const { total: macs } = countMacs(this.#components.network('vae-encoder'), {
      height,
      width,
      batch: 1,
      tokens: 0,
    });
    return { data: this.#toLatents(encoded), record: NO_RECORD, macs };
  }

  /** Latents of the denoiser → planes [3, H, W]. */
  async decode(latent: Float32Array, width: number, height: number): Promise<Coded> {
    if (this.#inTiles) return this.#tiled('vae-decoder', latent, { width, height });
    const network = await this.#network('vae-decoder', width, height);
    const decoded = await network.whole(fromLatents(latent, this.facts), { height, width });
    return { ...decoded, macs: decoded.macs + this.#coarseMacs('vae-decoder', { height, width }) };
  }

  /** The latents of `before`, recomputed from `planes` where the mask is active. */
  async encodeRegion(
    planes: Float32Array,
    width: number,
    height: number,
    before: Pick<Coded, 'data' | 'record'>,
    mask: Mask,
    options: RegionOptions = {},
  ): Promise<Coded> {
    if (this.#inTiles) {
      const active = dilate(mask, options.dilation ?? 0);
      return this.#tiledPart('vae-encoder', planes, before, { width, height, mask: active });
    }
    if (this.facts.kind === 'dc') return this.#encodeWhole(planes, width, height);
    const region = this.#region('vae-encoder', width, height, mask, options);
    return this.#again(region, planes, before, (data) => this.#toLatents(data));
  }

  /** The planes of `before`, recomputed from `latent` where the mask is active. */
  async decodeRegion(
    latent: Float32Array,
    width: number,
    height: number,
    before: Pick<Coded, 'data' | 'record'>,
    mask: Mask,
    options: RegionOptions = {},
  ): Promise<Coded> {
    if (this.#inTiles) {
      const active = dilate(mask, options.dilation ?? 0);
      return this.#tiledPart('vae-decoder', latent, before, { width, height, mask: active });
    }
    const region = this.#region('vae-decoder', width, height, mask, options);
    return this.#again(region, fromLatents(latent, this.facts), before, (data) => data);
  }

  /** Multiply–accumulates of computing a region. Needs no weights. */
  macs(half: Half, width: number, height: number, mask: Mask, options: RegionOptions = {}): number {
    const { plans, coarseMacs } = this.#region(half, width, height, mask, options);
    return plans.reduce((sum, { plan: { macs } }) => sum + macs, coarseMacs);
  }

  #region(half: Half, width: number, height: number, mask: Mask, options: RegionOptions): Region {
    this.#check(width, height);
    const { scale } = this.facts;
    if (mask.width * scale !== width || mask.height * scale !== height)
      throw new Error(`a mask of ${mask.width}×${mask.height} does not fit ${width}×${height} pixels`);
    const { margin = DEFAULT_MARGIN[this.facts.kind], dilation = 0 } = options;
    const { fine } = stagesOf(this.#components.network(half));
    const extent = { height, width, batch: 1, tokens: 0 };
    const finer = scale / 2 ** coarsestLevel(fine);
    const planOf = (box: Box) => planCrop(fine, extent, scaled(box, finer), margin);
    const active = dilate(mask, dilation);
    const boxes = mergeBoxes(partsOf(active), (box) => planOf(box).macs);
    const coarseMacs = boxes.length > 0 ? this.#coarseMacs(half, extent) : 0;
    return { half, mask: active, plans: boxes.map((box) => ({ box, plan: planOf(box) })), coarseMacs };
  }

  /** Multiply–accumulates of the stages that are always computed whole. */
  #coarseMacs(half: Half, size: { height: number; width: number }): number {
    const { coarse } = stagesOf(this.#components.network(half));
    return coarse ? countMacs(coarse, { ...size, batch: 1, tokens: 0 }).total : 0;
  }

  /** Computes a region's rectangles one after another. Each reads the records of those before. */
  async #again(
    { half, mask, plans, coarseMacs }: Region,
    input: Float32Array,
    before: Pick<Coded, 'data' | 'record'>,
    finish: (crop: Float32Array) => Float32Array,
  ): Promise<Coded> {
    const data = new Float32Array(before.data);
    let { record } = before;
    let macs = coarseMacs;
    // One for all, because it remembers what the coarse stages gave.
    let network: CropNetwork | undefined;
    for (const { box, plan } of plans) {
      network ??= await this.#components.cropNetwork(half);
      const result = await network.part(input, plan, record);
      const block = half === 'vae-decoder' ? this.facts.scale : 1;
      pasteBlocks(data, finish(result.data), result.box, mask, box, block);
      ({ record } = result);
      macs += result.macs;
    }
    return { data, record, macs };
  }

  async #network(half: Half, width: number, height: number): Promise<CropNetwork> {
    this.#check(width, height);
    return this.#components.cropNetwork(half);
  }

  #check(width: number, height: number): void {
    const { scale } = this.facts;
    if (width % scale || height % scale)
      throw new Error(`${width}×${height} pixels are not a multiple of ${scale}`);
  }

  /** Encoder output [C or 2C, h, w] → latents of the denoiser; the mean of a distribution. */
  #toLatents(encoded: Float32Array): Float32Array {
    const mean =
      this.facts.kind === 'kl' && !this.facts.packed ? encoded.subarray(0, encoded.length / 2) : encoded;
    return toLatents(mean, this.facts);
  }
}

/** The rectangles that are computed for a mask. */
interface Region {
  half: Half;
  mask: Mask;
  /** With each rectangle's place in latent positions. */
  plans: { box: Box; plan: CropPlan }[];
  /** Multiply–accumulates of the stages that are computed whole. */
  coarseMacs: number;
}

/** Copies a crop's values into whole planes, for blocks whose mask position is active and in `target`. */
function pasteBlocks(
  planes: Float32Array,
  crop: Float32Array,
  cropBox: Box,
  mask: Mask,
  target: Box,
  block: number,
): void {
  const width = mask.width * block;
  const positions = width * mask.height * block;
  const channels = planes.length / positions;
  const columns = widthOf(cropBox);
  for (const position of positionsIn(target, mask.width)) {
    if (!mask.data[position]) continue;
    const left = (position % mask.width) * block;
    const top = Math.floor(position / mask.width) * block;
    for (let c = 0; c < channels; c++)
      for (let y = top; y < top + block; y++) {
        const row = (c * heightOf(cropBox) + y - cropBox.y.from) * columns + left - cropBox.x.from;
        planes.set(crop.subarray(row, row + block), c * positions + y * width + left);
      }
  }
}
