import type { BenchmarkMask } from '../../shared/benchmark/report.ts';
import { decodeLatentMask, decodeMask, scaleMask } from '../pictures/mask.ts';
import { centredMask, type Mask } from '../regions/mask.ts';

interface Size {
  width: number;
  height: number;
}

/** Masks at latent size for pictures of a size in pixels; `scale`: pixels for each latent position along one side. */
export function latentMasks(
  masks: readonly BenchmarkMask[],
  { width, height }: Size,
  scale: number,
): Promise<Mask[]> {
  const latent = { width: width / scale, height: height / scale };
  return Promise.all(
    masks.map(async (mask) =>
      'share' in mask
        ? centredMask(latent.height, latent.width, mask.share)
        : await decodeLatentMask(mask.image, `The mask ${mask.name}`, latent, scale),
    ),
  );
}

/** Masks of a picture for edits: the given image, or a rectangle of latent positions in pixels. */
export function pictureMasks(
  masks: readonly BenchmarkMask[],
  { width, height }: Size,
  scale: number,
): Promise<Mask[]> {
  return Promise.all(
    masks.map(async (mask) => {
      if ('image' in mask)
        return (await decodeMask(mask.image, `The mask ${mask.name}`, { width, height })).mask;
      const latent = centredMask(Math.ceil(height / scale), Math.ceil(width / scale), mask.share);
      return scaleMask(latent, width, height);
    }),
  );
}
