import assert from 'node:assert/strict';
import test from 'node:test';
import { LIMITS } from '../../shared/limits.ts';
import { SMALL_JOB as job } from './testing/job.ts';
import { beginSchema, packJob } from './wire.ts';

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
