import type { EditMode } from '../../shared/api.ts';

/**
 * Time of steps relative to a dense step, measured on two cores with Scenes at 256×256. A sparse step with a
 * share `s` of the dense MACs takes about `FIXED + SLOPE · s`, because small products use less of the processor's speed;
 * a recording step takes `RECORDING`.
 */
const FIXED = 0.1;
const SLOPE = 1.4;
const RECORDING = 1.2;

/** The mode expected to take less time. @param share a sparse step's share of the MACs of a dense one */
export function fasterMode(work: {
  steps: number;
  missing: number;
  share: number;
}): Exclude<EditMode, 'auto'> {
  const { steps, missing, share } = work;
  return missing * RECORDING + steps * (FIXED + SLOPE * share) < steps ? 'sparse' : 'dense';
}
