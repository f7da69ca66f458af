import type { Mask } from '../regions/mask.ts';

/**
 * Peak signal-to-noise ratio in dB, 10 · log10(peak² / mean squared error); Infinity if the images are equal.
 * Bytes are interleaved, [height, width, C], with peak 255; floats are planes, [C, height, width] of −1 … 1, peak 2.
 * @param inside compares only the pixels where the mask is active. @throws RangeError if sizes differ or it has none.
 */
export function psnr<T extends Uint8Array | Uint8ClampedArray | Float32Array>(
  a: T,
  b: T,
  inside?: Mask,
): number {
  if (a.length !== b.length || a.length === 0)
    throw new RangeError(`${a.length} and ${b.length} values cannot be compared.`);
  const planar = a instanceof Float32Array;
  const count = inside?.data.length ?? a.length;
  const channels = a.length / count;
  if (!Number.isInteger(channels))
    throw new RangeError(`a mask of ${count} pixels does not fit the pictures.`);
  let sum = 0;
  let compared = 0;
  for (let i = 0; i < a.length; i++) {
    const pixel = planar ? i % count : Math.floor(i / channels);
    if (inside && !inside.data[pixel]) continue;
    sum += (a[i]! - b[i]!) ** 2;
    compared++;
  }
  if (compared === 0) throw new RangeError('the mask has no active pixel.');
  const peak = planar ? 2 : 255;
  return 10 * Math.log10(peak ** 2 / (sum / compared));
}
