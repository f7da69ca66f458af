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
  const plane = bilinear(logits, { width: side, height: side }, { width: frame, height: frame }, inner);
  const { width, height } = size;
  const data = new Uint8Array(width * height);
  const columns = tapsOf(inner.width, width, width);
  const rows = tapsOf(inner.height, height, height);
  const blended = new Float32Array(inner.width);
  for (let y = 0; y < height; y++) {
    blendRows(plane, inner.width, rows, y, blended);
    const row = y * width;
    for (let x = 0; x < width; x++) {
      const [a, b] = [blended[columns.first[x]!]!, blended[columns.second[x]!]!];
      if (a + (b - a) * columns.share[x]! > 0) data[row + x] = 1;
    }
  }
  return { width, height, data };
}

/** Which two positions lie around each position of a resized axis, and how near it is to the second of them. */
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

/** The upper left part `wanted` of a plane brought from one size to another. */
function bilinear(plane: Float32Array, from: Size, to: Size, wanted: Size): Float32Array {
  const columns = tapsOf(from.width, to.width, wanted.width);
  const rows = tapsOf(from.height, to.height, wanted.height);
  const result = new Float32Array(wanted.width * wanted.height);
  const blended = new Float32Array(from.width);
  for (let y = 0; y < wanted.height; y++) {
    blendRows(plane, from.width, rows, y, blended);
    const row = y * wanted.width;
    for (let x = 0; x < wanted.width; x++) {
      const [a, b] = [blended[columns.first[x]!]!, blended[columns.second[x]!]!];
      result[row + x] = a + (b - a) * columns.share[x]!;
    }
  }
  return result;
}

function blendRows(plane: Float32Array, width: number, rows: Taps, y: number, into: Float32Array): void {
  const [first, second] = [rows.first[y]! * width, rows.second[y]! * width];
  const share = rows.share[y]!;
  for (let x = 0; x < width; x++) {
    const a = plane[first + x]!;
    into[x] = a + (plane[second + x]! - a) * share;
  }
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
