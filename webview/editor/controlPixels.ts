import type { Area, Raster } from '../../shared/raster.ts';
import type { ViewTransform } from './viewTransform.ts';

/** From this value on a pixel is part of a line. */
const LINE = 128;
/** Up to this value a pixel is the black ground beside a line. */
const GROUND = 24;

/**
 * A control layer as it looks in an area of the screen: the brighter, the less of the picture is seen through it. Lines on
 * black have a dark edge, so that they are seen on any picture.
 * @param control RGB. @returns RGBA, row by row
 */
export function controlPixels(
  { left, top, width, height }: Area,
  { scale, left: viewLeft, top: viewTop }: ViewTransform,
  control: Raster,
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * width * height);
  const place = (x: number, y: number): number => {
    const column = Math.floor((left + x + 0.5 - viewLeft) / scale);
    const row = Math.floor((top + y + 0.5 - viewTop) / scale);
    const isInside = column >= 0 && column < control.width && row >= 0 && row < control.height;
    return isInside ? 3 * (row * control.width + column) : -1;
  };
  const brightness = (x: number, y: number): number => {
    const at = place(x, y);
    const { data } = control;
    return at < 0 ? 0 : Math.max(data[at]!, data[at + 1]!, data[at + 2]!);
  };
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i += 4) {
      const at = place(x, y);
      if (at < 0) continue;
      const value = brightness(x, y);
      const isEdge =
        value <= GROUND &&
        Math.max(brightness(x - 1, y), brightness(x + 1, y), brightness(x, y - 1), brightness(x, y + 1)) >=
          LINE;
      if (isEdge) {
        pixels[i + 3] = 200;
        continue;
      }
      // The colour at full brightness: how bright it is, is how much it covers.
      for (let channel = 0; channel < 3; channel++)
        pixels[i + channel] = value === 0 ? 0 : (255 * control.data[at + channel]!) / value;
      pixels[i + 3] = value;
    }
  return pixels;
}
