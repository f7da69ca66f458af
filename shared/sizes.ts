import { LIMITS } from './limits.ts';

/** Which sizes images may have, in pixels along one side. Each model has its own, within `LIMITS.size`. */
export interface SizeLimits {
  readonly min: number;
  readonly max: number;
  readonly multipleOf: number;
}

export function isSide(side: number, { min, max, multipleOf }: SizeLimits = LIMITS.size): boolean {
  return side >= min && side <= max && side % multipleOf === 0;
}

/** A size as it is typed, like `512x768`, in pixels; undefined for other text. Images may not have it: see `isSide`. */
export function parseSize(text: string): { width: number; height: number } | undefined {
  const [, width, height] = /^\s*(\d{1,5})\s*[x×]\s*(\d{1,5})\s*$/i.exec(text) ?? [];
  return width && height ? { width: Number(width), height: Number(height) } : undefined;
}

/** The side that is possible and nearest. */
export function nearestSide(side: number, { min, max, multipleOf }: SizeLimits = LIMITS.size): number {
  return Math.max(min, Math.min(max, Math.round(side / multipleOf) * multipleOf));
}

/** The sizes of images for people, after `WIDTHxHEIGHT, `. */
export function sizesInWords(limits: SizeLimits = LIMITS.size): string {
  const { min, max, multipleOf } = limits;
  return min === max ? `each ${min}` : `both multiples of ${multipleOf} from ${min} to ${max}`;
}

/** One side for people, after "must be". */
export function sidesInWords({ min, max, multipleOf }: SizeLimits = LIMITS.size): string {
  return min === max ? String(min) : `a multiple of ${multipleOf} from ${min} to ${max}`;
}
