import assert from 'node:assert/strict';
import test from 'node:test';
import { float32 } from '../../engine/graph/tensor.ts';
import type { Job } from '../../engine/parallel/job.ts';
import { LIMITS } from '../../shared/limits.ts';
import { beginSchema, packJob } from './wire.ts';

const job: Job = {
  id: 'job',
  model: 'model',
  precision: 'fp32',
  condition: { text: float32(new Float32Array(2 * 3 * 4), [2, 3, 4]), guidance: 3 },
  channels: 4,
  bands: { height: 8, width: 8, axis: 'y', edges: [[0, 4, 8]] },
  index: 1,
  mode: 'displaced',
  coding: 'float32',
};

test('bands without an edge, beyond the image, or larger than images are, are refused without an exception', () => {
  const accepts = (bands: object, index = 0) =>
    beginSchema.safeParse({ ...(packJob(job, 'hash').head as object), bands, index }).success;
  assert.ok(accepts(job.bands, 1));
  const side = LIMITS.size.max;
  for (const [bands, index] of [
    [{ ...job.bands, edges: [] }, 0],
    [{ ...job.bands, edges: [[]] }, 0],
    [{ ...job.bands, edges: [[0, 4, 9]] }, 0],
    [{ ...job.bands, edges: [[0, 4, 4, 8]] }, 0],
    [job.bands, 2],
    [{ height: side, width: side, axis: 'y', edges: [[0, side]] }, 0],
  ] as const)
    assert.ok(!accepts(bands, index), JSON.stringify(bands));
});
