import type { EditMode } from '../../shared/api.ts';

/**
 * Time of steps as a multiple of a dense step's, as it was measured on two cores with Scenes at 256×256 and 512×512: a
 * sparse step of a share `s` of the dense MACs takes about `FIXED + SLOPE · s`, since small products reach less of the
 * processor's speed; one that records takes `RECORDING`.
 */
const FIXED = 0.1;
const SLOPE = 1.4;
const RECORDING = 1.2;

/** The mode that is expected to take less time. @param share of a dense step's MACs that a sparse one takes */
export function fasterMode(work: {
  steps: number;
  missing: number;
  share: number;
}): Exclude<EditMode, 'auto'> {
  const { steps, missing, share } = work;
  return missing * RECORDING + steps * (FIXED + SLOPE * share) < steps ? 'sparse' : 'dense';
}
