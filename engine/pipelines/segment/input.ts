import { codecs } from '#host';
import type { PictureInput } from '../../networks/efficientvit-config.ts';
import type { Picture } from '../../pictures/read.ts';

/** RGB, 8 bits a channel, [height, width, 3]. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8Array;
}

/** Resizes a picture: bilinear, or with a triangle filter if it becomes smaller. */
export async function resizePicture(
  { width, height, pixels }: Pick<Picture, 'width' | 'height' | 'pixels'>,
  to: { width: number; height: number },
): Promise<Pixels> {
  if (to.width === width && to.height === height) return { width, height, data: pixels };
  const data = await codecs.resize({ width, height, channels: 3, data: pixels }, to);
  return { ...to, data };
}

/** Normalized planes [3, size, size], zero right of the pixels and below. */
export function normalizedPlanes(pixels: Pixels, { size, mean, deviation }: PictureInput): Float32Array {
  const planes = new Float32Array(3 * size * size);
  const { width, height, data } = pixels;
  for (let c = 0; c < 3; c++) {
    const [scale, offset] = [1 / deviation[c]!, -mean[c]! / deviation[c]!];
    for (let y = 0; y < height; y++) {
      const row = (c * size + y) * size;
      for (let x = 0; x < width; x++) planes[row + x] = data[3 * (y * width + x) + c]! * scale + offset;
    }
  }
  return planes;
}
