import type { Area, Raster } from '../../shared/raster.ts';
import type { ViewTransform } from './viewTransform.ts';

/**
 * Painted colours as they look in an area of the screen: as the edit sees them, over the picture.
 * @param colours RGBA. @returns RGBA, row by row
 */
export function colourPixels(
  { left, top, width, height }: Area,
  { scale, left: viewLeft, top: viewTop }: ViewTransform,
  colours: Raster,
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((top + y + 0.5 - viewTop) / scale);
    if (row < 0 || row >= colours.height) continue;
    for (let x = 0; x < width; x++) {
      const column = Math.floor((left + x + 0.5 - viewLeft) / scale);
      if (column < 0 || column >= colours.width) continue;
      const from = 4 * (row * colours.width + column);
      const to = 4 * (y * width + x);
      for (let channel = 0; channel < 4; channel++) pixels[to + channel] = colours.data[from + channel]!;
    }
  }
  return pixels;
}
