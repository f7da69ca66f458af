import { int64, type Tensor } from '../../graph/tensor.ts';
import { boundsOf, fullBox, grown, heightOf, positionsIn, widthOf } from '../../regions/box.ts';
import { fullMask, type Mask } from '../../regions/mask.ts';
import { EXTENT, INSIDE, RECTANGLE } from '../forms/tokens.ts';

/** Which positions of a transformer are computed, and where their neighbours are found. Positions are y · width + x. */
export interface TokenPlan {
  readonly height: number;
  readonly width: number;
  readonly mask: Mask;
  /** Ascending. */
  readonly active: Int32Array;
  /** Positions beside active ones that are not active, ascending. */
  readonly halo: Int32Array;
  /** Inputs of the form that are the same at every step. */
  readonly feeds: Record<string, Tensor>;
}

export function wholeTokens(height: number, width: number): TokenPlan {
  return planTokens(fullMask(height, width));
}

/** @param mask the positions that are computed; none are fine */
export function planTokens(mask: Mask): TokenPlan {
  const { height, width, data } = mask;
  const active = positionsIn(fullBox(height, width), width).filter((position) => data[position]);
  const box = boundsOf(mask);
  if (!box) return { height, width, mask, active, halo: new Int32Array(), feeds: {} };
  const rim = grown(box, 1);
  const [rows, columns] = [heightOf(rim), widthOf(rim)];
  const halo: number[] = [];
  const place = new Map<number, number>();
  for (const [row, position] of active.entries()) place.set(position, row);
  const neighbours = [-1, 0, 1];
  const near = (y: number, x: number) =>
    neighbours.some((dy) => neighbours.some((dx) => isActive(mask, y + dy, x + dx)));
  for (let y = rim.y.from; y < rim.y.to; y++)
    for (let x = rim.x.from; x < rim.x.to; x++) {
      if (y < 0 || x < 0 || y >= height || x >= width) continue;
      if (!data[y * width + x] && near(y, x)) halo.push(y * width + x);
    }
  for (const [i, position] of halo.entries()) place.set(position, active.length + i);
  const zero = active.length + halo.length;
  const rectangle = new Int32Array(rows * columns).fill(zero);
  for (const [position, row] of place) {
    const [y, x] = [Math.floor(position / width) - rim.y.from, (position % width) - rim.x.from];
    rectangle[y * columns + x] = row;
  }
  const inside = active.map(
    (position) =>
      (Math.floor(position / width) - box.y.from) * widthOf(box) + ((position % width) - box.x.from),
  );
  const feeds = {
    [RECTANGLE]: int32(rectangle),
    [INSIDE]: int32(inside),
    [EXTENT]: int64(BigInt64Array.of(BigInt(rows), BigInt(columns)), [2]),
  };
  return { height, width, mask, active, halo: Int32Array.from(halo), feeds };
}

function isActive({ height, width, data }: Mask, y: number, x: number): boolean {
  return y >= 0 && x >= 0 && y < height && x < width && data[y * width + x] === 1;
}

function int32(data: Int32Array): Tensor {
  return { type: 'int32', data, dims: [data.length] };
}
