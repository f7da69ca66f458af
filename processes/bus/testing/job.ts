import { float32 } from '../../../engine/graph/tensor.ts';
import type { Job } from '../../../engine/parallel/job.ts';

/** The second of two bands of a small latent. */
export const SMALL_JOB: Job = {
  id: 'job',
  model: 'model',
  version: '',
  precision: 'fp32',
  condition: { text: float32(new Float32Array(2 * 3 * 4), [2, 3, 4]), guidance: 3 },
  channels: 4,
  bands: { height: 8, width: 8, axis: 'y', edges: [[0, 4, 8]] },
  index: 1,
  mode: 'displaced',
  coding: 'float32',
};
