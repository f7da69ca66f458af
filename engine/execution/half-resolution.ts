/** Latents at half the resolution, with which large images begin. */
import type { LatentDims } from './latents.ts';

/** The dimensions of latents at half the width and height. */
export function halfDims([channels, height, width]: LatentDims): LatentDims {
  return [channels, height / 2, width / 2];
}

/**
 * Noise [C, H, W] at half the resolution, [C, H/2, W/2]: sums of four values over 2, which have the same variance, so
 * that both resolutions begin with the same picture.
 */
export function halvedNoise(noise: Float32Array, dims: LatentDims): Float32Array {
  const [, , width] = dims;
  const [channels, height, across] = halfDims(dims);
  const halved = new Float32Array(channels * height * across);
  for (let row = 0; row < channels * height; row++)
    for (let x = 0; x < across; x++) {
      const at = 2 * row * width + 2 * x;
      halved[row * across + x] =
        (noise[at]! + noise[at + 1]! + noise[at + width]! + noise[at + width + 1]!) / 2;
    }
  return halved;
}

/** Latents at half the resolution of `dims` at the whole one, linearly between the positions' centres. */
export function doubledLatents(latent: Float32Array, dims: LatentDims): Float32Array {
  const [channels, height, width] = dims;
  const [, low, across] = halfDims(dims);
  const [rows, columns] = [nearby(height, low), nearby(width, across)];
  const doubled = new Float32Array(channels * height * width);
  for (let channel = 0; channel < channels; channel++) {
    const plane = latent.subarray(channel * low * across, (channel + 1) * low * across);
    for (let y = 0; y < height; y++) {
      const row = rows[y]!;
      const along = (line: number, { from, to, share }: Nearby) =>
        plane[line * across + from]! * (1 - share) + plane[line * across + to]! * share;
      for (let x = 0; x < width; x++)
        doubled[(channel * height + y) * width + x] =
          along(row.from, columns[x]!) * (1 - row.share) + along(row.to, columns[x]!) * row.share;
    }
  }
  return doubled;
}

/** The two positions between which one of twice the resolution lies, and the share of the second. */
interface Nearby {
  from: number;
  to: number;
  share: number;
}

function nearby(length: number, half: number): Nearby[] {
  return Array.from({ length }, (_, at) => {
    const place = Math.min(half - 1, Math.max(0, (at - 0.5) / 2));
    const from = Math.floor(place);
    return { from, to: Math.min(half - 1, from + 1), share: place - from };
  });
}
