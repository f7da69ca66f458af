import { type Box, heightOf, scaled, widthOf } from '../regions/box.ts';
import { cutPlanes } from './crops/crop-network.ts';
import type { LatentDims } from './latents.ts';

/** Latent positions along a tile's side, and those that neighbours share, as in diffusers' AutoencoderKL. */
export const TILE = 64;
const OVERLAP = 16;

/** Latents [C, h, w] of a tile → planes [3, scale · h, scale · w], or the other way. */
type Code = (part: Float32Array, latents: LatentDims) => Promise<Float32Array>;

/** Whether what is under a tile, in latent positions, is wanted. */
type Wanted = (tile: Box) => boolean;

/**
 * Decodes a large image tile by tile, so that the decoder needs memory for one tile only. Where tiles overlap, they are
 * blended linearly. Group norm uses the statistics of each tile, so colours may differ a little from those of a
 * decoding in one piece.
 * @param wanted everything if absent; zeros elsewhere, and near them at the edge of a tile, are no part of the image
 */
export function decodeInTiles(
  latent: Float32Array,
  dims: LatentDims,
  scale: number,
  decode: Code,
  wanted?: Wanted,
): Promise<Float32Array> {
  const sides = { from: { channels: dims[0], block: 1 }, to: { channels: 3, block: scale } };
  return inTiles(latent, dims, sides, decode, wanted);
}

/** Encodes planes [3, H, W] into latents of these dimensions in the same way. */
export function encodeInTiles(
  planes: Float32Array,
  dims: LatentDims,
  scale: number,
  encode: Code,
  wanted?: Wanted,
): Promise<Float32Array> {
  const sides = { from: { channels: 3, block: scale }, to: { channels: dims[0], block: 1 } };
  return inTiles(planes, dims, sides, encode, wanted);
}

/** The tiles of latents of this size. */
export function tilesOf([, height, width]: LatentDims, wanted: Wanted = () => true): Box[] {
  const span = (from: number, length: number) => ({ from, to: from + Math.min(TILE, length) });
  return placesOf(height)
    .flatMap((top) => placesOf(width).map((left) => ({ y: span(top, height), x: span(left, width) })))
    .filter(wanted);
}

/** Planes of one side of the autoencoder: `block` values along a side for each latent position. */
interface Side {
  channels: number;
  block: number;
}

async function inTiles(
  source: Float32Array,
  dims: LatentDims,
  { from, to }: { from: Side; to: Side },
  code: Code,
  wanted?: Wanted,
): Promise<Float32Array> {
  const [channels, height, width] = dims;
  const result = new Float32Array(to.channels * to.block ** 2 * height * width);
  const [rows, columns] = [placesOf(height), placesOf(width)];
  // Over how many positions a tile takes over from the one before it.
  const fade = (places: readonly number[], place: number) => {
    const i = places.indexOf(place);
    return i === 0 ? 0 : places[i - 1]! + TILE - place;
  };
  for (const tile of tilesOf(dims, wanted)) {
    const part = cutPlanes(source, from.channels, from.block * width, scaled(tile, from.block));
    const planes = await code(part, [channels, heightOf(tile), widthOf(tile)]);
    blend(result, planes, {
      channels: to.channels,
      width: to.block * width,
      height: to.block * height,
      top: to.block * tile.y.from,
      left: to.block * tile.x.from,
      tileHeight: to.block * heightOf(tile),
      tileWidth: to.block * widthOf(tile),
      fadeDown: to.block * fade(rows, tile.y.from),
      fadeRight: to.block * fade(columns, tile.x.from),
    });
  }
  return result;
}

/** Where tiles begin along a side: evenly, with at least the overlap, the last one at the end. */
export function placesOf(length: number, tile = TILE, overlap = OVERLAP): number[] {
  if (length <= tile) return [0];
  const count = Math.ceil((length - overlap) / (tile - overlap));
  return Array.from({ length: count }, (_, i) => Math.round((i * (length - tile)) / (count - 1)));
}

interface Placing {
  channels: number;
  width: number;
  height: number;
  top: number;
  left: number;
  tileHeight: number;
  tileWidth: number;
  fadeDown: number;
  fadeRight: number;
}

/** Blends a tile into the image. Within the fades, the nearer of the two tiles has the larger weight. */
function blend(image: Float32Array, tile: Float32Array, at: Placing): void {
  for (let c = 0; c < at.channels; c++)
    for (let y = 0; y < at.tileHeight; y++) {
      const down = Math.min(1, (y + 0.5) / (at.fadeDown || 0.5));
      for (let x = 0; x < at.tileWidth; x++) {
        const share = down * Math.min(1, (x + 0.5) / (at.fadeRight || 0.5));
        const to = (c * at.height + at.top + y) * at.width + at.left + x;
        const value = tile[(c * at.tileHeight + y) * at.tileWidth + x]!;
        image[to] = share * value + (1 - share) * image[to]!;
      }
    }
}
