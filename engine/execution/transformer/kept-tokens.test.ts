import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { kernelsOf } from '../../backends/devices/kernels.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { signalToNoise } from '../../numbers.ts';
import type { DeviceStorage } from '../../regions/features.ts';
import { tokenFeaturesOf } from '../../regions/token-features.ts';
import { tokenBytes } from '../forms/rows-memory.ts';
import { tokenStorageOf } from './storage.ts';
import { TRANSFORMERS, transformerEdits } from './testing.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
after(() => rm(folder, { recursive: true, force: true }));

function edits(subject: string, batch: number, storage: DeviceStorage | undefined) {
  const real = new NodeBackend(1);
  const backend = Object.assign(real, { can: { ...real.can, ...kernelsOf('webgpu') } });
  return transformerEdits(subject, batch, { backend, folder, storage });
}

/** Least decibels of an edit. */
const LEAST = { float32: 100, float16: 55, uint8: 30, nibbles: 45 };

for (const [subject, { network }] of Object.entries(TRANSFORMERS))
  for (const batch of [1, 2])
    for (const storage of [
      'float32',
      'float16',
      subject === 'SANA' && batch === 2 ? 'nibbles' : 'uint8',
    ] as const) {
      test(`${subject}, ${batch} images: edits with features on a device as ${storage} are those with features in main memory`, async () => {
        const held = await edits(subject, batch, undefined);
        const kept = await edits(subject, batch, storage);
        for (const [i, output] of held.outputs.entries()) {
          const reached = signalToNoise(kept.outputs[i]!, output);
          assert.ok(reached >= LEAST[storage], `${i}: ${reached} dB`);
        }
        const extent = { width: 16, height: 16, batch, tokens: 16 };
        assert.equal(kept.bytes, tokenBytes(network, extent, storage), 'the memory plan counts what is kept');
      });
    }

test('with guidance, rows that main memory packs into few bits take half a byte on a device', () => {
  const of = (subject: string, batch: number, elements: ('float16' | 'uint8')[], isSmall = false) =>
    tokenStorageOf(elements, tokenFeaturesOf(TRANSFORMERS[subject]!.network), { batch, isSmall });
  const both = ['float16', 'uint8'] as const;
  assert.equal(of('SANA', 2, [...both]), 'nibbles');
  assert.equal(of('SANA', 2, ['float16']), undefined);
  assert.equal(of('SANA', 1, [...both]), 'uint8');
  assert.equal(of('SANA', 2, [...both], true), 'float16');
  assert.equal(of('FLUX.2', 2, [...both]), 'uint8');
  assert.equal(of('Nitro-E', 1, ['float16']), 'float16');
  assert.equal(of('Nitro-E', 1, []), undefined);
  assert.equal(of('Nitro-E', 1, [], true), 'float32');
});
