import { type Box, fullBox, intersection, partsOf, scaled } from '../../regions/box.ts';
import type { Mask } from '../../regions/mask.ts';
import type { Pixels } from './input.ts';

/** Pixels along the side of a cell in which a change is looked for. */
const CELL = 8;

/** Rectangles outside which two pictures of one size have the same pixels; undefined for pictures of other sizes. */
export function changesBetween(before: Pixels, after: Pixels): Box[] | undefined {
  const { width, height } = after;
  if (before.width !== width || before.height !== height) return undefined;
  const columns = Math.ceil(width / CELL);
  const cells: Mask = {
    width: columns,
    height: Math.ceil(height / CELL),
    data: new Uint8Array(columns * Math.ceil(height / CELL)),
  };
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i += 3)
      if (
        before.data[i] !== after.data[i] ||
        before.data[i + 1] !== after.data[i + 1] ||
        before.data[i + 2] !== after.data[i + 2]
      )
        cells.data[Math.floor(y / CELL) * columns + Math.floor(x / CELL)] = 1;
  return partsOf(cells).map((box) => intersection(scaled(box, CELL), fullBox(height, width)));
}
