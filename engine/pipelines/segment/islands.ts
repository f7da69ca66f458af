import { boundsOf, heightOf, widthOf } from '../../regions/box.ts';
import { dilate, type Mask } from '../../regions/mask.ts';
import { INCLUDE } from './prompt.ts';
import type { Prompt } from './segmenter.ts';

/** Parts of a mask that are smaller than this share of what was asked for are no parts of it. */
const LEAST_PART = 0.1;
/**
 * Parts of an object are no farther apart than this share of the longer one's longer side. Measured by clicks in 160
 * renders: 0.1 to 0.2 are alike.
 */
const MOST_GAP = 0.15;

/** The positions of a decoder's mask [side, side] where a prompt has points to include. */
export function includedPositions({ coordinates, labels }: Prompt, side: number, frame: number): number[] {
  const at = (pixel: number) => Math.min(side - 1, Math.max(0, Math.floor((pixel * side) / frame)));
  return labels.flatMap((label, i) =>
    label === INCLUDE ? [at(coordinates[2 * i + 1]!) * side + at(coordinates[2 * i]!)] : [],
  );
}

/** What a decoder's mask is to show. */
interface Asked {
  /** Positions of points to include. */
  included: readonly number[];
  /** A box says how far the object reaches. */
  boxed?: boolean;
  /** Positions of the mask that show the picture, from the upper left corner. */
  inner: { width: number; height: number };
}

/**
 * Logits whose mask has what was asked for only: the parts at the included positions, or the largest one if these are
 * outside the mask, and what is not much smaller, as an object may be split by another in front of it. A part far from
 * them is another object, unless one of the two reaches the picture's edge, as a hill or the sea behind an object does.
 * @param logits [side, side]
 */
export function withoutIslands(
  logits: Float32Array,
  side: number,
  { included, boxed = false, inner }: Asked,
): Float32Array {
  const parts = partsOf(logits, side);
  if (parts.length < 2) return logits;
  const clicked = parts.filter((part) => included.some((position) => part.includes(position)));
  const largest = [...parts].sort((a, b) => b.length - a.length).slice(0, 1);
  const asked = clicked.length > 0 ? clicked : largest;
  const least = LEAST_PART * Math.max(...asked.map(({ length }) => length));
  const reachesEdge = (part: number[]) => part.some((position) => isAtEdge(position, side, inner));
  const isOpen = boxed || asked.some(reachesEdge);
  const belongs = (part: number[]) =>
    part.length >= least &&
    (isOpen || reachesEdge(part) || asked.some((other) => areNear(part, other, side)));
  const islands = parts.filter((part) => !asked.includes(part) && !belongs(part));
  if (islands.length === 0) return logits;
  const cleared = logits.slice();
  for (const position of islands.flat()) cleared[position] = -cleared[position]!;
  return cleared;
}

function isAtEdge(position: number, side: number, { width, height }: Asked['inner']): boolean {
  const [x, y] = [position % side, Math.floor(position / side)];
  return x === 0 || y === 0 || x >= width - 1 || y >= height - 1;
}

function areNear(part: readonly number[], other: readonly number[], side: number): boolean {
  const [mask, from] = [maskOf(part, side), maskOf(other, side)];
  const gap = Math.floor(MOST_GAP * Math.max(longerSideOf(mask), longerSideOf(from)));
  const near = dilate(from, 1 + gap);
  return part.some((position) => near.data[position]);
}

function longerSideOf(mask: Mask): number {
  const bounds = boundsOf(mask)!;
  return Math.max(widthOf(bounds), heightOf(bounds));
}

function maskOf(part: readonly number[], side: number): Mask {
  const data = new Uint8Array(side * side);
  for (const position of part) data[position] = 1;
  return { width: side, height: side, data };
}

/** The positions of each part of a mask; parts may touch at no side and no corner. */
function partsOf(logits: Float32Array, side: number): number[][] {
  const seen = new Uint8Array(logits.length);
  const parts: number[][] = [];
  for (let start = 0; start < logits.length; start++) {
    if (seen[start] || !(logits[start]! > 0)) continue;
    const part = [start];
    seen[start] = 1;
    // Grows while it is walked through.
    for (const position of part)
      for (const next of around(position, side)) {
        if (seen[next] || !(logits[next]! > 0)) continue;
        seen[next] = 1;
        part.push(next);
      }
    parts.push(part);
  }
  return parts;
}

/** The up to eight neighbours of a position. */
function around(position: number, side: number): number[] {
  const [x, y] = [position % side, Math.floor(position / side)];
  const near: number[] = [];
  for (let v = Math.max(0, y - 1); v <= Math.min(side - 1, y + 1); v++)
    for (let u = Math.max(0, x - 1); u <= Math.min(side - 1, x + 1); u++)
      if (u !== x || v !== y) near.push(v * side + u);
  return near;
}
