import { codecs } from '#host';
import type { Picture } from './read.ts';

/** A picture at another size: scaled until it covers it, then cropped. */
export async function covering(picture: Picture, size: { width: number; height: number }): Promise<Picture> {
  const { width, height } = size;
  if (picture.width === width && picture.height === height) return picture;
  const factor = Math.max(width / picture.width, height / picture.height);
  const scaled = {
    width: Math.max(width, Math.round(picture.width * factor)),
    height: Math.max(height, Math.round(picture.height * factor)),
  };
  const source = { width: picture.width, height: picture.height, channels: 3 as const, data: picture.pixels };
  const data = await codecs.resize(source, scaled);
  const [left, top] = [Math.floor((scaled.width - width) / 2), Math.floor((scaled.height - height) / 2)];
  const pixels = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 3 * ((top + y) * scaled.width + left);
    pixels.set(data.subarray(from, from + 3 * width), 3 * y * width);
  }
  return { width, height, pixels };
}
