import assert from 'node:assert/strict';
import test from 'node:test';
import { float32, int64 } from '../../engine/graph/tensor.ts';
import { LIMITS } from '../../shared/limits.ts';
import { SMALL_JOB as job, SENT_ADDITIONS, STEERED_JOB } from './testing/job.ts';
import { beginSchema, packJob, unpackJob } from './wire.ts';

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

test('a job travels with the images that its model reads, and with which tokens count', () => {
  const images = [2, 3].map((side) =>
    float32(
      new Float32Array(4 * side).map((_, i) => i),
      [4, 1, side],
    ),
  );
  const [batch, tokens] = job.condition.text.dims;
  const mask = BigInt64Array.from({ length: batch! * tokens! }, (_, i) => BigInt(i % 2));
  const condition = { ...job.condition, images, textMask: int64(mask, [batch!, tokens!]) };
  const { head, body } = packJob({ ...job, condition }, 'hash');
  const read = unpackJob(beginSchema.parse(JSON.parse(JSON.stringify(head))), body, {
    id: job.model,
    version: job.version,
  });
  assert.deepEqual(read.condition.images, images);
  assert.deepEqual(read.condition.textMask, condition.textMask);
  assert.deepEqual(read.condition.text, job.condition.text);
  assert.throws(() => unpackJob(beginSchema.parse(head), body.subarray(1), { id: '', version: '' }));
});

test('a job travels with what steers it: guides, references with masks, later texts, and files by content', () => {
  const { head, body } = packJob(STEERED_JOB, 'hash', SENT_ADDITIONS);
  const read = beginSchema.parse(JSON.parse(JSON.stringify(head)));
  assert.deepEqual(read.additions, SENT_ADDITIONS);
  const additions = { loras: [{ lora: '/here/a.safetensors', strength: -0.5 }] };
  const unpacked = unpackJob(read, body, { id: job.model, version: job.version, additions });
  assert.deepEqual(unpacked.condition, STEERED_JOB.condition);
  assert.deepEqual(unpacked.edit!.condition, STEERED_JOB.condition);
  assert.deepEqual([...unpacked.edit!.mask.data], [...STEERED_JOB.edit!.mask.data]);
  assert.deepEqual(unpacked.additions, additions);
});

test('more than a worker takes is refused before it is sent', () => {
  // Never written or copied, so that it takes no memory.
  const large = float32(new Float32Array(270 << 18), [1, 270, 512, 512]);
  const guide = { maps: [large], strength: 1, from: 1, to: 0 };
  const condition = { ...job.condition, controls: { hints: [guide], features: [] } };
  assert.throws(() => packJob({ ...job, condition }, 'hash'), /What steers this image takes .*fewer control/);
});
