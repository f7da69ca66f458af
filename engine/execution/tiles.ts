import type { LatentDims } from './latents.ts';

/** Latent positions along a tile's side, and those that neighbours share, as in diffusers' AutoencoderKL. */
export const TILE = 64;
const OVERLAP = 16;

/** Decodes latents [C, h, w] into planes [3, scale · h, scale · w]. */
type Decode = (latent: Float32Array, dims: LatentDims) => Promise<Float32Array>;

/**
 * Decodes a large image tile by tile, so that the decoder needs memory for one tile only. Where tiles overlap, they are
 * blended linearly. Group norm uses the statistics of each tile, so colours may differ a little from those of a
 * decoding in one piece.
 */
export async function decodeInTiles(
  latent: Float32Array,
  dims: LatentDims,
  scale: number,
  decode: Decode,
): Promise<Float32Array> {
  const [channels, height, width] = dims;
  const image = new Float32Array(3 * scale * height * scale * width);
  const [rows, columns] = [placesOf(height), placesOf(width)];
  for (const [i, top] of rows.entries())
    for (const [j, left] of columns.entries()) {
      const size = { height: Math.min(TILE, height), width: Math.min(TILE, width) };
      const part = cut(latent, dims, { top, left, ...size });
      const planes = await decode(part, [channels, size.height, size.width]);
      blend(image, planes, {
        width: scale * width,
        height: scale * height,
        top: scale * top,
        left: scale * left,
        tileHeight: scale * size.height,
        tileWidth: scale * size.width,
        // Over how many pixels the tile takes over from the one above and the one before it.
        fadeDown: i === 0 ? 0 : scale * (rows[i - 1]! + TILE - top),
        fadeRight: j === 0 ? 0 : scale * (columns[j - 1]! + TILE - left),
      });
    }
  return image;
}

/** Where tiles begin along a side: evenly, with at least the overlap, the last one at the end. */
export function placesOf(length: number, tile = TILE, overlap = OVERLAP): number[] {
  if (length <= tile) return [0];
  const count = Math.ceil((length - overlap) / (tile - overlap));
  return Array.from({ length: count }, (_, i) => Math.round((i * (length - tile)) / (count - 1)));
}

function cut(
  latent: Float32Array,
  [channels, height, width]: LatentDims,
  tile: { top: number; left: number; height: number; width: number },
): Float32Array {
  const part = new Float32Array(channels * tile.height * tile.width);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < tile.height; y++) {
      const from = (c * height + tile.top + y) * width + tile.left;
      part.set(latent.subarray(from, from + tile.width), (c * tile.height + y) * tile.width);
    }
  return part;
}

interface Placing {
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
  for (let c = 0; c < 3; c++)
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
