import type { Mask } from './mask.ts';

/** Active where an active position is at most `by` positions away along both sides: a square of side 2 · by + 1. */
export function dilate(mask: Mask, by: number): Mask {
  if (by <= 0) return mask;
  const { height, width, data } = mask;
  const across = spread(data, height, width, width, 1, by);
  return { height, width, data: spread(across, width, height, 1, width, by) };
}

/** Spreads along lines: `count` lines `stride` apart, of `length` positions `step` apart. */
function spread(
  data: Uint8Array,
  count: number,
  length: number,
  stride: number,
  step: number,
  by: number,
): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let line = 0; line < count; line++) {
    const start = line * stride;
    let done = 0;
    for (let i = 0; i < length; i++) {
      if (!data[start + i * step]) continue;
      const to = Math.min(length, i + by + 1);
      for (let j = Math.max(done, i - by); j < to; j++) out[start + j * step] = 1;
      done = to;
    }
  }
  return out;
}
