import { floats } from '../../graph/tensor.ts';
import { toRows } from '../../regions/rows.ts';
import type { Condition } from '../condition.ts';

/** The rows [n, C] of the images that are read beside the denoiser's own. */
export function referenceRows({ images = [] }: Condition): Float32Array[] {
  return images.map((image) => {
    const [channels = 1, height = 1, width = 1] = image.dims;
    const every = Int32Array.from({ length: height * width }, (_, position) => position);
    return toRows(floats({ image }, 'image'), 1, channels, every);
  });
}
