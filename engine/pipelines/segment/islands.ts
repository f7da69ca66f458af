import { INCLUDE } from './prompt.ts';
import type { Prompt } from './segmenter.ts';

/** Parts of a mask that are smaller than this share of what was asked for are no parts of it. */
const LEAST_PART = 0.1;

/** The positions of a decoder's mask [side, side] where a prompt has points to include. */
export function includedPositions({ coordinates, labels }: Prompt, side: number, frame: number): number[] {
  const at = (pixel: number) => Math.min(side - 1, Math.max(0, Math.floor((pixel * side) / frame)));
  return labels.flatMap((label, i) =>
    label === INCLUDE ? [at(coordinates[2 * i + 1]!) * side + at(coordinates[2 * i]!)] : [],
  );
}

/**
 * Logits whose mask has no small islands: only the parts at the included positions, or the largest one if these are
 * outside the mask, and what is not much smaller, as an object may be split by another in front of it.
 * @param logits [side, side]
 */
export function withoutIslands(
  logits: Float32Array,
  side: number,
  included: readonly number[],
): Float32Array {
  const parts = partsOf(logits, side);
  const asked = parts.filter((part) => included.some((position) => part.includes(position)));
  const largest = Math.max(0, ...(asked.length > 0 ? asked : parts).map(({ length }) => length));
  const islands = parts.filter((part) => !asked.includes(part) && part.length < LEAST_PART * largest);
  if (islands.length === 0) return logits;
  const cleared = logits.slice();
  for (const position of islands.flat()) cleared[position] = -cleared[position]!;
  return cleared;
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
