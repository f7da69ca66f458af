import { codecs } from '#host';
import type { Picture } from '../../engine/pictures/read.ts';

/** Longer side of thumbnails, in pixels. */
const THUMBNAIL = 320;

/** A small image of a picture, as a WebP file. */
export async function thumbnailOf({ pixels: data, ...side }: Picture): Promise<Uint8Array> {
  const scale = Math.min(1, THUMBNAIL / Math.max(side.width, side.height));
  const [width, height] = [side.width, side.height].map((length) => Math.max(1, Math.round(scale * length)));
  const size = { width: width!, height: height! };
  const small = await codecs.resize({ width: side.width, height: side.height, channels: 3, data }, size);
  return codecs.encode({ ...size, channels: 3, data: small }, { format: 'webp', quality: 85 });
}
