import type { AttentionMode } from '../../shared/api.ts';

/** Positions of a level from which on sampled attention sees one of every 2×2. */
const SAMPLED_POSITIONS = 4096;

/** Whether a level's positions see only one of every 2×2. */
export function isSampled(attention: AttentionMode, height: number, width: number): boolean {
  return attention === 'sampled' && height * width >= SAMPLED_POSITIONS;
}

/** Positions of a level that each of its positions attends to. */
export function keyCount(attention: AttentionMode, height: number, width: number): number {
  return isSampled(attention, height, width) ? Math.ceil(height / 2) * Math.ceil(width / 2) : height * width;
}
