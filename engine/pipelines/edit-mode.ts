import type { EditMode } from '../../shared/api.ts';

/**
 * Time of steps relative to a dense step. A sparse step with a share `s` of the dense MACs takes about
 * `FIXED_MACS / dense MACs + SLOPE · s`, because operators take some time however few their rows are; a recording step takes
 * `RECORDING`. Measured in int8 on two cores, interleaved: Scenes at 256×256 takes 0.2 to 0.3 + 1.1 · s, at 512×512 0.07 to
 * 0.1 + 1.2 · s, Stable Diffusion 1.5 at 1024×512 0.01 + 1.0 · s (docs/measurements.md).
 */
const FIXED_MACS = 0.4e9;
const SLOPE = 1.2;
const RECORDING = 1.3;

/**
 * The mode expected to take less time.
 * @param denseMacs of a dense step
 * @param share a sparse step's share of them
 */
export function fasterMode(work: {
  steps: number;
  missing: number;
  denseMacs: number;
  share: number;
}): Exclude<EditMode, 'auto'> {
  const { steps, missing, denseMacs, share } = work;
  const sparse = FIXED_MACS / denseMacs + SLOPE * share;
  return missing * RECORDING + steps * sparse < steps ? 'sparse' : 'dense';
}
