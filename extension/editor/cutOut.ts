import { alphaOn } from '../../engine/pictures/canvas.ts';
import { cropPicture, encodePicture } from '../../engine/pictures/compose.ts';
import type { Picture } from '../../engine/pictures/read.ts';
import { type Area, boundsOf, type Raster } from '../../shared/raster.ts';

/**
 * What is masked as a PNG file of its own: as large as the mask's bounds, transparent where there is no mask. Undefined if
 * there is none.
 * @param pixels as they are now, on a canvas that lies at `frame` in the file's picture, whose alpha they keep
 */
export async function cutOut(
  picture: Picture,
  pixels: Raster,
  frame: Area,
  mask: Raster,
): Promise<Uint8Array | undefined> {
  const bounds = boundsOf(mask);
  if (!bounds) return undefined;
  const alpha = alphaOn(picture, frame) ?? new Uint8Array(mask.data.length).fill(255);
  for (let i = 0; i < alpha.length; i++) alpha[i] = Math.round((alpha[i]! * mask.data[i]!) / 255);
  const { width, height, data } = pixels;
  const { left, top } = bounds;
  return await encodePicture(
    cropPicture(
      { width, height, pixels: data, alpha },
      { x: { from: left, to: left + bounds.width }, y: { from: top, to: top + bounds.height } },
    ),
  );
}
