import { codecs } from '#host';
import type { CallOptions, UpscaleProgress, UpscaleRequest, UpscaleResult } from '../../shared/api.ts';
import { InputError } from '../errors.ts';
import type { Backend, Program } from '../execution/backend.ts';
import { listen } from '../execution/denoise.ts';
import { PLANAR } from '../execution/forms/form.ts';
import { placesOf } from '../execution/tiles.ts';
import { countMacs } from '../graph/macs.ts';
import { float32, floats } from '../graph/tensor.ts';
import { openUpscaler, type Upscaler } from '../models/upscaler.ts';
import { folded, unfolded } from '../networks/folding.ts';
import { requireFinite } from '../numbers.ts';
import { encodePicture } from '../pictures/compose.ts';
import { PICTURE_LIMITS } from '../pictures/open.ts';
import { decodePicture, type Picture } from '../pictures/read.ts';
import { withUpscaling } from '../pictures/recipe.ts';
import { WeightTable } from '../weights/weight-table.ts';

/** Pixels of the image along a tile's sides, and how many of them neighbours share. Multiples of 4, for folding. */
export const TILE = 192;
export const OVERLAP = 32;

/** Pixels at a tile's inner sides that are discarded, because the network saw nothing beyond them. */
const MARGIN = 8;

/** Passes of a network that make an image larger than one does. */
const MAX_PASSES = 3;

/**
 * Makes an image larger, tile by tile. For another scale than its own the network runs again, or the result is scaled
 * down.
 */
export async function upscale(
  request: UpscaleRequest,
  backend: Backend,
  { signal, onProgress }: CallOptions<UpscaleProgress> = {},
): Promise<UpscaleResult> {
  const begin = performance.now();
  const picture = await decodePicture(request.image, 'The image');
  const upscaler = await openUpscaler(request.model);
  const scale = request.scale ?? upscaler.scale;
  const wanted = { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) };
  const { side, pixels } = PICTURE_LIMITS;
  if (Math.max(wanted.width, wanted.height) > side || wanted.width * wanted.height > pixels)
    throw new InputError(
      `The image would have ${wanted.width}×${wanted.height} pixels, more than Patchwork works with: use a smaller scale.`,
    );
  const passes =
    upscaler.scale > 1 ? Math.max(1, Math.ceil(Math.log(scale) / Math.log(upscaler.scale) - 1e-9)) : 1;
  if (passes > MAX_PASSES || (upscaler.scale === 1 && scale !== 1))
    throw new InputError(
      `${upscaler.name} makes images ${upscaler.scale} times as large, so ${scale} times is too much for it.`,
    );
  await listen(signal);
  const table = new WeightTable(upscaler.network, upscaler.weights);
  const program = await backend.compile(upscaler.network, table, PLANAR, {
    threads: request.threads || undefined,
  });
  const work = { upscaler, program, macs: 0, done: 0, total: 0, signal, onProgress };
  try {
    const sizes = Array.from({ length: passes }, (_, pass) => upscaler.scale ** pass);
    work.total = sizes.reduce(
      (sum, size) => sum + tilesOf(picture.width * size, picture.height * size).length,
      0,
    );
    let larger: Picture = picture;
    for (let pass = 0; pass < passes; pass++) larger = await enlarge(larger, work);
    const result = await resized(larger, wanted);
    const enlargement = { model: upscaler.name, scale };
    const file = request.image instanceof Uint8Array ? request.image : undefined;
    return {
      picture: { png: withUpscaling(await encodePicture(result), file, enlargement), ...wanted },
      ...enlargement,
      macs: work.macs,
      seconds: (performance.now() - begin) / 1000,
    };
  } finally {
    await program.release();
  }
}

interface Work {
  upscaler: Upscaler;
  program: Program;
  macs: number;
  done: number;
  total: number;
  signal: AbortSignal | undefined;
  onProgress: ((progress: UpscaleProgress) => void) | undefined;
}

interface Tile {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Tiles that cover a picture and overlap; all of one size where it is large enough. */
export function tilesOf(width: number, height: number): Tile[] {
  const along = (length: number) => placesOf(length, TILE, OVERLAP);
  return along(height).flatMap((top) =>
    along(width).map((left) => ({ left, top, width: Math.min(TILE, width), height: Math.min(TILE, height) })),
  );
}

/** One pass of the network over a picture. Where tiles overlap they fade into each other. */
async function enlarge(picture: Picture, work: Work): Promise<Picture> {
  const { scale } = work.upscaler;
  const { width, height } = picture;
  const size = { width: width * scale, height: height * scale };
  const sums = new Float32Array(3 * size.width * size.height);
  const weights = new Float32Array(size.width * size.height);
  for (const tile of tilesOf(width, height)) {
    await listen(work.signal);
    const planes = await tileOf(picture, tile, work);
    addTile(sums, weights, planes, tile, { ...size, scale });
    work.done++;
    work.onProgress?.({ stage: 'upscale', step: work.done, steps: work.total });
  }
  const pixels = new Uint8Array(sums.length);
  const count = weights.length;
  for (let i = 0; i < count; i++)
    for (let c = 0; c < 3; c++)
      pixels[3 * i + c] = Math.min(255, Math.max(0, Math.round((255 * sums[c * count + i]!) / weights[i]!)));
  const alpha = picture.alpha && (await resizedAlpha(picture, size));
  return { ...size, pixels, ...(alpha && { alpha }) };
}

/** Adds a tile with weights that fall towards its sides inside the picture. */
function addTile(
  sums: Float32Array,
  weights: Float32Array,
  planes: Float32Array,
  { left, top, width, height }: Tile,
  size: { width: number; height: number; scale: number },
): void {
  const { scale } = size;
  const [across, down] = [width * scale, height * scale];
  const fade = (at: number, length: number, from: number, whole: number) => {
    const share = (distance: number) => (distance / scale - MARGIN) / (OVERLAP - 2 * MARGIN);
    const before = from === 0 ? 1 : share(at + 0.5);
    const behind = from + length === whole ? 1 : share(length - at - 0.5);
    return Math.max(0, Math.min(1, before, behind));
  };
  const count = weights.length;
  for (let y = 0; y < down; y++) {
    const vertical = fade(y, down, top * scale, size.height);
    for (let x = 0; x < across; x++) {
      const weight = vertical * fade(x, across, left * scale, size.width);
      const to = (top * scale + y) * size.width + left * scale + x;
      weights[to]! += weight;
      for (let c = 0; c < 3; c++) sums[c * count + to]! += weight * planes[(c * down + y) * across + x]!;
    }
  }
}

/** The network's result for a tile: planes [3, H · s, W · s], 0 … 1. */
async function tileOf(picture: Picture, tile: Tile, work: Work): Promise<Float32Array> {
  const { shape, network, scale, name } = work.upscaler;
  const fold = shape.kind === 'rrdb' ? shape.fold : 1;
  // Sides that cannot be folded are continued by their last pixel.
  const width = Math.ceil(tile.width / fold) * fold;
  const height = Math.ceil(tile.height / fold) * fold;
  const planes = planesOf(picture, tile, width, height);
  const dims = [1, 3 * fold ** 2, height / fold, width / fold];
  const outputs = await work.program.run({ image: float32(folded(planes, 3, width, fold), dims) });
  const larger = floats(outputs, 'larger');
  requireFinite(larger, `The upscaler ${name}`);
  const finest = shape.kind === 'compact' ? 1 : scale;
  const extent = { width: width * finest, height: height * finest, batch: 1, tokens: 0 };
  work.macs += countMacs(network, extent).total;
  const whole = shape.kind === 'compact' ? compactResult(larger, planes, width, scale) : larger;
  return cut(whole, width * scale, tile.width * scale, tile.height * scale);
}

/** The compact network computes the difference from the image with each pixel repeated. */
function compactResult(
  larger: Float32Array,
  planes: Float32Array,
  width: number,
  scale: number,
): Float32Array {
  const result = unfolded(larger, 3, width, scale);
  const across = width * scale;
  const rows = result.length / 3 / across;
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < across; x++) {
        const from = (c * (rows / scale) + Math.floor(y / scale)) * width + Math.floor(x / scale);
        result[(c * rows + y) * across + x]! += planes[from]!;
      }
  return result;
}

function planesOf(
  { width: whole, pixels }: Picture,
  tile: Tile,
  width: number,
  height: number,
): Float32Array {
  const planes = new Float32Array(3 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const row = tile.top + Math.min(y, tile.height - 1);
      const from = 3 * (row * whole + tile.left + Math.min(x, tile.width - 1));
      for (let c = 0; c < 3; c++) planes[(c * height + y) * width + x] = pixels[from + c]! / 255;
    }
  return planes;
}

/** The upper left part of planes [3, …, across]. */
function cut(planes: Float32Array, across: number, width: number, height: number): Float32Array {
  const rows = planes.length / 3 / across;
  if (rows === height && across === width) return planes;
  const result = new Float32Array(3 * width * height);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < height; y++) {
      const from = (c * rows + y) * across;
      result.set(planes.subarray(from, from + width), (c * height + y) * width);
    }
  return result;
}

async function resized(picture: Picture, size: { width: number; height: number }): Promise<Picture> {
  if (picture.width === size.width && picture.height === size.height) return picture;
  const { width, height, pixels } = picture;
  const data = await codecs.resize({ width, height, channels: 3, data: pixels }, size);
  const alpha = picture.alpha && (await resizedAlpha(picture, size));
  return { ...size, pixels: data, ...(alpha && { alpha }) };
}

function resizedAlpha(
  { width, height, alpha }: Picture,
  size: { width: number; height: number },
): Promise<Uint8Array> {
  return codecs.resize({ width, height, channels: 1, data: alpha! }, size);
}
