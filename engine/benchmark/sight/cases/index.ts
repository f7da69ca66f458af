import type { SightCase } from '../case.ts';
import { encode, encodePart } from './encode.ts';
import { segment } from './segment.ts';

/** The cases of networks that look at pictures, by the names that `patchwork bench` takes. */
export const SIGHT_CASES: readonly SightCase[] = [encode, encodePart, segment];

export function isSightCase(name: string): boolean {
  return SIGHT_CASES.some((known) => known.name === name);
}
