import type { AttentionMode } from '../../shared/api.ts';

/** Levels with at least this many positions use sampled attention, if it is on: keys from one of every 2×2. */
const SAMPLED_POSITIONS = 4096;

/** Whether queries at a level attend to only one of every 2×2 positions. */
export function isSampled(attention: AttentionMode, height: number, width: number): boolean {
  return attention === 'sampled' && height * width >= SAMPLED_POSITIONS;
}

/** Number of keys that each query at a level attends to. */
export function keyCount(attention: AttentionMode, height: number, width: number): number {
  return isSampled(attention, height, width) ? Math.ceil(height / 2) * Math.ceil(width / 2) : height * width;
}
