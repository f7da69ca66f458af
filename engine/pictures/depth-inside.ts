import { type Box, heightOf, widthOf } from '../regions/box.ts';
import type { Mask } from '../regions/mask.ts';

/**
 * About how far each pixel of the box, and one pixel around it, is inside the mask, in pixels: 1 at the edge. A 3–4
 * chamfer distance in two passes (Borgefors 1986). The picture's own border is no edge.
 */
export function depthInside(mask: Mask, box: Box): Float32Array {
  const [height, width] = [heightOf(box), widthOf(box)];
  // With a pixel more on each side, so that every pixel of the box has eight neighbours.
  const wide = width + 2;
  const depth = new Float32Array(wide * (height + 2));
  for (let y = -1, i = 0; y <= height; y++)
    for (let x = -1; x <= width; x++, i++) {
      const [row, column] = [y + box.y.from, x + box.x.from];
      const inPicture = row >= 0 && column >= 0 && row < mask.height && column < mask.width;
      depth[i] = !inPicture || mask.data[row * mask.width + column] ? Number.POSITIVE_INFINITY : 0;
    }
  /** `back`: to the neighbours that this pass has seen, −1 or 1. */
  const pass = (y: number, x: number, back: number): void => {
    const i = (y + 1) * wide + x + 1;
    const above = i + back * wide;
    const diagonal = Math.min(depth[above - 1]!, depth[above + 1]!) + 4 / 3;
    const straight = Math.min(depth[above]!, depth[i + back]!) + 1;
    depth[i] = Math.min(depth[i]!, diagonal, straight);
  };
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) pass(y, x, -1);
  for (let y = height - 1; y >= 0; y--) for (let x = width - 1; x >= 0; x--) pass(y, x, 1);
  return depth;
}
