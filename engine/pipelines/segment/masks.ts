import type { Mask } from '../../regions/mask.ts';
import { fitted } from './frame.ts';

interface Size {
  width: number;
  height: number;
}

/**
 * A decoder's logits as a mask of the picture's own or another size: bilinear to the segmenter's frame, the padding cut
 * off, bilinear to the size, positive where the mask is. The edge is that of the smooth function, not of its coarse
 * positions.
 * @param logits [side, side] over the whole frame. @param picture whose shape the frame holds.
 */
export function maskFromLogits(
  logits: Float32Array,
  side: number,
  frame: number,
  picture: Size,
  size: Size = picture,
): Mask {
  const inner = fitted(picture, frame);
  const { width, height } = size;
  const data = new Uint8Array(width * height);
  const columns = composed(tapsOf(side, frame, inner.width), tapsOf(inner.width, width, width));
  const rows = composed(tapsOf(side, frame, inner.height), tapsOf(inner.height, height, height));
  const blended = new Float32Array(side);
  const { at, share } = columns;
  for (let y = 0; y < height; y++) {
    blendRows(logits, rows, y, blended);
    // Shares are not negative, so a mean of negative values is negative.
    if (!anyPositive(blended)) continue;
    const row = y * width;
    for (let x = 0, i = 0; x < width; x++, i += 4) {
      const value =
        blended[at[i]!]! * share[i]! +
        blended[at[i + 1]!]! * share[i + 1]! +
        blended[at[i + 2]!]! * share[i + 2]! +
        blended[at[i + 3]!]! * share[i + 3]!;
      if (value > 0) data[row + x] = 1;
    }
  }
  return { width, height, data };
}

/** Times that logits are smoothed: what repeats every four positions is then an eighth. */
const SMOOTHED = 3;

/**
 * Logits without the stripes that a decoder's two upsamplings leave where it is not sure: a mean with binomial weights,
 * 1, 2, 1 along both axes, several times.
 * @param logits [side, side]
 */
export function smoothedLogits(logits: Float32Array, side: number): Float32Array {
  let smooth = logits;
  for (let i = 0; i < SMOOTHED; i++) {
    smooth = smoothedAlong(smooth, side, 1);
    smooth = smoothedAlong(smooth, side, side);
  }
  return smooth;
}

/** @param step between neighbours: 1 in a row, `side` in a column */
function smoothedAlong(plane: Float32Array, side: number, step: number): Float32Array {
  return plane.map((value, i) => {
    const at = Math.floor(i / step) % side;
    const before = at > 0 ? plane[i - step]! : value;
    const after = at < side - 1 ? plane[i + step]! : value;
    return (before + 2 * value + after) / 4;
  });
}

/** The two positions around each position of a resized axis, and how near it is to the second of them. */
interface Taps {
  first: Int32Array;
  second: Int32Array;
  share: Float32Array;
}

/** `count`: positions wanted of the `to` that there are. Half-pixel centres, the border repeated, as PyTorch does. */
function tapsOf(from: number, to: number, count: number): Taps {
  const taps = {
    first: new Int32Array(count),
    second: new Int32Array(count),
    share: new Float32Array(count),
  };
  for (let i = 0; i < count; i++) {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const first = Math.min(from - 1, Math.floor(at));
    taps.first[i] = first;
    taps.second[i] = Math.min(from - 1, first + 1);
    taps.share[i] = at - first;
  }
  return taps;
}

/** For each position of an axis that is resized twice, the four that it is made of, and each one's share. */
interface TapsOfFour {
  at: Int32Array;
  share: Float32Array;
}

/** Resizing is linear, so resizing twice is one sum, without a map of the size in between. */
function composed(earlier: Taps, later: Taps): TapsOfFour {
  const count = later.share.length;
  const taps = { at: new Int32Array(4 * count), share: new Float32Array(4 * count) };
  for (let i = 0; i < count; i++)
    for (const [half, middle] of [later.first[i]!, later.second[i]!].entries()) {
      const part = half === 0 ? 1 - later.share[i]! : later.share[i]!;
      const near = earlier.share[middle]!;
      const j = 4 * i + 2 * half;
      taps.at[j] = earlier.first[middle]!;
      taps.at[j + 1] = earlier.second[middle]!;
      taps.share[j] = part * (1 - near);
      taps.share[j + 1] = part * near;
    }
  return taps;
}

function blendRows(plane: Float32Array, { at, share }: TapsOfFour, y: number, into: Float32Array): void {
  const width = into.length;
  into.fill(0);
  for (let tap = 4 * y; tap < 4 * y + 4; tap++) {
    const [start, part] = [at[tap]! * width, share[tap]!];
    for (let x = 0; x < width; x++) into[x]! += plane[start + x]! * part;
  }
}

function anyPositive(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (values[i]! > 0) return true;
  return false;
}

/** How much two masks of one size share: positions in both, of those in either. Two empty masks are the same. */
export function overlapOf(a: Mask, b: Mask): number {
  if (a.width !== b.width || a.height !== b.height)
    throw new Error(`masks of ${a.width}×${a.height} and ${b.width}×${b.height} cannot be compared.`);
  let both = 0;
  let either = 0;
  for (let i = 0; i < a.data.length; i++) {
    both += a.data[i]! & b.data[i]!;
    either += a.data[i]! | b.data[i]!;
  }
  return either === 0 ? 1 : both / either;
}
