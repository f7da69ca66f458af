import type { Condition } from './condition.ts';
import type { LatentDims } from './latents.ts';

/** A dense run of the float32 denoiser whose products are watched: planes [C, h, w] → guided output. */
type WatchedRun = (
  sample: Float32Array,
  dims: LatentDims,
  timestep: number,
  condition: Condition,
) => Promise<Float32Array>;

/** Runs the denoiser on representative inputs. */
export type CalibrationRuns = (run: WatchedRun) => Promise<void>;
