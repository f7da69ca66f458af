import type { EditMode } from '../../shared/api.ts';

/**
 * Time of steps relative to a dense step. A sparse step with a share `s` of the dense MACs takes about `FIXED + SLOPE · s`,
 * because operators take some time however few their rows are; a recording step takes `RECORDING`. A compromise between
 * sizes, which differ little where the mode is in doubt: interleaved on two cores, Scenes at 256×256 takes 0.24 + 1.1 · s
 * and at 512×512 0.11 + 1.2 · s (masks of 1 to 40 %), Stable Diffusion 1.5 at 1024×512 0.01 + 1.0 · s
 * (docs/measurements.md).
 */
const FIXED = 0.12;
const SLOPE = 1.1;
const RECORDING = 1.3;

/** The mode expected to take less time. @param share a sparse step's share of the MACs of a dense one */
export function fasterMode(work: {
  steps: number;
  missing: number;
  share: number;
}): Exclude<EditMode, 'auto'> {
  const { steps, missing, share } = work;
  return missing * RECORDING + steps * (FIXED + SLOPE * share) < steps ? 'sparse' : 'dense';
}
