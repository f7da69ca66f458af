import { areaOf, fullBox } from '../regions/box.ts';
import { depthInside } from './depth-inside.ts';
import type { Picture } from './read.ts';

/**
 * The picture with everything transparent that is not covered. What can no longer be seen is black, so that the file
 * does not hold it.
 * @param coverage how much of each pixel stays, 0 … 255, [height, width].
 * @param feather pixels inside the edge over which the cut-out becomes opaque: 0 is a hard edge. The picture's own
 * border is no edge.
 */
export function cutOut(picture: Picture, coverage: Uint8Array, feather: number): Picture {
  const { width, height } = picture;
  const box = fullBox(height, width);
  const depth =
    feather > 0
      ? depthInside({ width, height, data: coverage.map((value) => Number(value > 0)) }, box)
      : undefined;
  const columns = width + 2;
  const alpha = new Uint8Array(areaOf(box));
  const pixels = new Uint8Array(picture.pixels);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const inside = depth ? depth[(y + 1) * columns + x + 1]! / (feather + 1) : 1;
      const most = Math.min(coverage[i]! / 255, inside);
      alpha[i] = Math.round(most * (picture.alpha ? picture.alpha[i]! : 255));
      if (alpha[i] === 0) pixels.fill(0, 3 * i, 3 * i + 3);
    }
  return { width, height, pixels, alpha };
}
