import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { verify } from '../../engine/verification/verify.ts';

const folders = path.join(import.meta.dirname, '..', 'fixtures', 'parity');

for (const [name, compared] of [
  ['tiny-sd15', 80],
  ['tiny-sd21-v-fp16', 80],
  ['tiny-sdxl', 38],
  ['tiny-inpaint', 43],
  ['tiny-sana', 41],
  ['tiny-sana-sprint', 31],
  ['tiny-nitro-e', 17],
  ['tiny-flux2-klein', 40],
  ['tiny-dc-ae/f32c32-in', 4],
  ['tiny-dc-ae/mixed', 4],
  ['lora-kinds', 83],
  ['embeddings', 16],
  ['tiny-controlnet', 63],
  ['control-file', 5],
  ['tiny-ip-adapter', 32],
  ['tiny-sight/segmenter', 9],
  ['tiny-sight/tagger', 1],
] as const)
  test(`${name}: every network and sampler agrees with its reference`, async () => {
    const result = await verify(path.join(folders, name), new NodeBackend());
    const failed = result.tensors.filter(({ relative, limit }) => !(relative <= limit));
    assert.deepEqual(failed, []);
    assert.equal(result.pass, true);
    assert.equal(result.tensors.length, compared);
  });

for (const [name, compared] of [
  ['sd15-ema-no-vae', 12],
  ['sdxl', 16],
] as const)
  test(`${name}: every network of a single file agrees with its reference`, async () => {
    const result = await verify(path.join(folders, '../single-file', name), new NodeBackend());
    assert.deepEqual(
      result.tensors.filter(({ relative, limit }) => !(relative <= limit)),
      [],
    );
    assert.equal(result.tensors.length, compared);
  });
