import type { CallOptions, GenerateProgress, Recipe } from '../../shared/api.ts';
import { InputError } from '../errors.ts';
import { batchOf } from '../execution/condition.ts';
import { RegionAutoencoder } from '../execution/crops/region-autoencoder.ts';
import { denoise, listen } from '../execution/denoise.ts';
import { seesMask } from '../execution/denoiser-inputs.ts';
import type { LatentDims } from '../execution/latents.ts';
import { decodeInTiles, placesOf } from '../execution/tiles.ts';
import { gaussianNoise, START_NOISE, stepNoise } from '../noise.ts';
import { compose } from '../pictures/compose.ts';
import type { Picture } from '../pictures/read.ts';
import { windowPlanes } from '../pictures/window.ts';
import { fullMask } from '../regions/mask.ts';
import { prepareNetworks } from './prepare.ts';
import { Progress } from './progress.ts';
import { conditionFor, type ReadyModel } from './ready-model.ts';
import { startOf } from './recorder.ts';
import { schedulerFor } from './scheduler-for.ts';
import { decodeLatent } from './text-to-image.ts';

/** Share of a tile's side that its neighbours have too. */
const OVERLAP = 1 / 4;

interface RepaintTask {
  picture: Picture;
  /** Its size is a tile's: that for which the model was made. */
  recipe: Recipe;
  strength: number;
  /** Networks are freed as soon as they are not needed. */
  apart: boolean;
}

/**
 * Repaints a picture of any size with a model that works on smaller ones. All tiles are one process: in each step every
 * tile is predicted, the predictions are blended where tiles overlap, and the sampler takes one step of the whole, so
 * that tiles agree at every noise level (MultiDiffusion: Bar-Tal et al. 2023, arXiv:2302.08113, eq. 5).
 * @throws InputError for a model that is shown what is masked
 */
export async function repaintInTiles(
  ready: ReadyModel,
  { picture, recipe, strength, apart }: RepaintTask,
  { signal, onProgress }: CallOptions<GenerateProgress> = {},
): Promise<{ picture: Picture; macs: number; warnings: string[] }> {
  const { model, components } = ready;
  const { scale, latentChannels } = model.autoencoder;
  if (seesMask(components.network('denoiser'), latentChannels))
    throw new InputError(`${model.name} repaints masked parts only: add detail with a model that draws.`, {
      setting: 'model',
    });
  const { multipleOf } = model.sizes;
  const padded = (side: number) => Math.ceil(side / multipleOf) * multipleOf;
  const size = { width: padded(picture.width), height: padded(picture.height) };
  const tile = { width: Math.min(recipe.width, size.width), height: Math.min(recipe.height, size.height) };
  const dims: LatentDims = [latentChannels, size.height / scale, size.width / scale];
  const scheduler = schedulerFor(model, recipe, tile);
  const start = startOf(scheduler, strength);
  const steps = scheduler.timesteps.length - start;
  const progress = new Progress<GenerateProgress>(onProgress, steps);
  const tiling = new Tiling(dims, tile.height / scale, tile.width / scale);

  progress.stage('encode');
  await listen(signal);
  const { prompt, negativePrompt, guidance, seed, precision } = recipe;
  const text = await conditionFor(ready, prompt, negativePrompt, guidance, tile, scheduler.timesteps);
  const { latent, macs: encodingMacs } = await encoded(ready, picture, tiling, signal);
  if (apart) await components.free(...model.textRoles, 'vae-encoder');
  progress.stage('load');
  await listen(signal);
  await prepareNetworks(ready, precision, { signal, report: progress.own });
  const denoiser = components.denoiser(recipe);
  const whole = { of: 'whole', height: tiling.height, width: tiling.width } as const;
  const plan = await denoiser.plan(whole, batchOf(text.condition));

  progress.begin();
  progress.stage('denoise');
  const predict = (sample: Float32Array, index: number) =>
    tiling.blended(sample, async (part) => {
      await listen(signal);
      return (await denoiser.predict(plan, part, scheduler.timesteps[index]!, text.condition)).output;
    });
  const length = latent.length;
  const noise = gaussianNoise(seed, START_NOISE, length);
  const painted = await denoise(predict, scheduler, scheduler.addNoise(latent, noise, start), {
    start,
    noise: (index) => gaussianNoise(seed, stepNoise(index), length),
    ...(signal && { signal }),
    onStep: (index) => progress.stepped(index + 1 - start, async () => undefined),
  });
  progress.stage('decode', steps);
  await listen(signal);
  if (apart) await components.free('denoiser');
  const planes = await decodeInTiles(painted, dims, scale, (part, partDims) =>
    decodeLatent(components, part, partDims),
  );
  const window = { left: 0, top: 0, ...size };
  return {
    picture: compose(picture, planes, window, fullMask(picture.height, picture.width)),
    macs: text.macs + encodingMacs + steps * tiling.count * plan.macs(text.condition.text.dims[1]!),
    warnings: text.warnings,
  };
}

/** A picture's latents, tile by tile. */
async function encoded(
  { components }: ReadyModel,
  picture: Picture,
  tiling: Tiling,
  signal: AbortSignal | undefined,
): Promise<{ latent: Float32Array; macs: number }> {
  const autoencoder = new RegionAutoencoder(components);
  const { scale } = components.model.autoencoder;
  let macs = 0;
  const latent = await tiling.joined(async ({ top, left }) => {
    await listen(signal);
    const window = {
      left: scale * left,
      top: scale * top,
      width: scale * tiling.width,
      height: scale * tiling.height,
    };
    const part = await autoencoder.encode(windowPlanes(picture, window), window.width, window.height);
    macs += part.macs;
    return part.data;
  });
  return { latent, macs };
}

/** Overlapping tiles of latents, with the weights that blend their results. */
export class Tiling {
  readonly height: number;
  readonly width: number;
  readonly #dims: LatentDims;
  readonly #places: { top: number; left: number }[];

  constructor(dims: LatentDims, height: number, width: number) {
    this.#dims = dims;
    this.height = height;
    this.width = width;
    const along = (length: number, side: number) => placesOf(length, side, Math.ceil(side * OVERLAP));
    const columns = along(dims[2], width);
    this.#places = along(dims[1], height).flatMap((top) => columns.map((left) => ({ top, left })));
  }

  get count(): number {
    return this.#places.length;
  }

  /** The results for each tile of a whole [C, h, w], blended. */
  blended(
    whole: Float32Array,
    compute: (part: Float32Array) => Promise<Float32Array>,
  ): Promise<Float32Array> {
    return this.joined((place) => compute(this.#part(whole, place)));
  }

  /** What is computed for each tile [C, height, width], blended to a whole. */
  async joined(
    compute: (place: { top: number; left: number }) => Promise<Float32Array>,
  ): Promise<Float32Array> {
    const [channels, height, width] = this.#dims;
    const sums = new Float32Array(channels * height * width);
    const weights = new Float32Array(height * width);
    for (const place of this.#places) {
      const values = await compute(place);
      for (let y = 0; y < this.height; y++)
        for (let x = 0; x < this.width; x++) {
          const weight =
            this.#weight(y, place.top, this.height, height) * this.#weight(x, place.left, this.width, width);
          const to = (place.top + y) * width + place.left + x;
          weights[to]! += weight;
          for (let c = 0; c < channels; c++)
            sums[c * weights.length + to]! += weight * values[(c * this.height + y) * this.width + x]!;
        }
    }
    return sums.map((value, i) => value / weights[i % weights.length]!);
  }

  #part(whole: Float32Array, { top, left }: { top: number; left: number }): Float32Array {
    const [channels, height, width] = this.#dims;
    const part = new Float32Array(channels * this.height * this.width);
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < this.height; y++) {
        const from = (c * height + top + y) * width + left;
        part.set(whole.subarray(from, from + this.width), (c * this.height + y) * this.width);
      }
    return part;
  }

  /** Falls towards a side inside the picture, over the overlap. */
  #weight(at: number, from: number, side: number, length: number): number {
    const fade = Math.ceil(side * OVERLAP);
    const before = from === 0 ? 1 : (at + 0.5) / fade;
    const behind = from + side === length ? 1 : (side - at - 0.5) / fade;
    return Math.min(1, before, behind);
  }
}
