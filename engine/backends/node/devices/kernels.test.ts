import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { OnnxBackend } from '../../../execution/lowering/onnx-backend.ts';
import { verify } from '../../../verification/verify.ts';
import { type Gpu, kernelsOf } from '../../devices/kernels.ts';
import { NodeBackend } from '../backend.ts';
import { providersOf } from './backend.ts';

const FOLDERS = path.join(import.meta.dirname, '../../../../test/fixtures/parity');

/** The processor, restricted to the operators of a device. */
function restricted(device: Gpu, wrong: readonly string[] = []): OnnxBackend {
  const real = new NodeBackend(1);
  return Object.assign(real, { can: { ...real.can, ...kernelsOf(device, wrong) } });
}

for (const [device, wrong, folders] of [
  ['webgpu', ['MultiHeadAttention'], ['tiny-sd15', 'tiny-sdxl', 'tiny-sight/segmenter']],
  ['dml', [], ['tiny-sd15']],
  ['cuda', [], ['tiny-sd15']],
] as const)
  for (const folder of folders)
    test(`${folder}: right with the operators of ${device}`, async () => {
      const { tensors } = await verify(path.join(FOLDERS, folder), restricted(device, wrong));
      const failed = tensors.filter(({ relative, limit }) => !(relative <= limit));
      assert.deepEqual(failed, []);
    });

test('each provider is asked for first, the processor after it', () => {
  assert.deepEqual(providersOf('dml'), [{ name: 'dml', deviceId: 0 }, 'cpu']);
  assert.deepEqual(providersOf('cuda'), [{ name: 'cuda', deviceId: 0 }, 'cpu']);
  assert.deepEqual(providersOf('webgpu'), [{ name: 'webgpu', storageBufferCacheMode: 'simple' }, 'cpu']);
  assert.deepEqual(providersOf('webgpu', true), [
    { name: 'webgpu', storageBufferCacheMode: 'lazyRelease' },
    'cpu',
  ]);
});

test('bytes are multiplied nowhere but on the processor', () => {
  for (const device of ['webgpu', 'dml', 'cuda'] as const)
    for (const name of ['MatMulIntegerToFloat', 'QLinearConv', 'DynamicQuantizeLinear'])
      assert.equal(kernelsOf(device).operator(name), false);
  assert.equal(kernelsOf('webgpu').operator('FusedMatMul'), false);
  assert.equal(kernelsOf('cuda').operator('FusedMatMul'), true);
});
