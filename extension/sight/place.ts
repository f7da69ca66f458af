import type { PixelBox, PromptPoint } from '../../shared/api.ts';

/** The place of an object, as typed: points and boxes in pixels. */
interface TypedPlace {
  points: PromptPoint[];
  box?: PixelBox;
}

/**
 * Reads `120,80`, several of them (`120,80 200,90`), `-20,30` for a point outside the object, or a box
 * `10,10,200,150`; undefined for any other text.
 */
export function parsePlace(text: string): TypedPlace | undefined {
  const place: TypedPlace = { points: [] };
  const parts = text.trim().split(/[\s;]+/);
  for (const part of parts) {
    const match = /^(-?)(\d+(?:,\d+)+)$/.exec(part);
    const [a, b, c, d, ...more] = match?.[2]?.split(',').map(Number) ?? [];
    if (a === undefined || b === undefined || more.length > 0) return undefined;
    if (d !== undefined && c !== undefined && !match![1] && !place.box)
      place.box = { x0: a, y0: b, x1: c, y1: d };
    else if (c === undefined) place.points.push({ x: a, y: b, include: !match![1] });
    else return undefined;
  }
  return place;
}

/** Where a box is in a picture, in words: `upper left`, `middle`. */
export function whereIs({ x0, y0, x1, y1 }: PixelBox, picture: { width: number; height: number }): string {
  const third = (from: number, to: number, side: number) =>
    Math.min(2, Math.floor((3 * (from + to)) / 2 / side));
  const down = ['upper', '', 'lower'][third(y0, y1, picture.height)];
  const across = ['left', '', 'right'][third(x0, x1, picture.width)];
  return [down, across].filter(Boolean).join(' ') || 'middle';
}
