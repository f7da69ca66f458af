import assert from 'node:assert/strict';
import test from 'node:test';
import type { StepTimes } from '../../shared/devices.ts';
import { foundOut } from '../backends/devices/kernels.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { SyntheticModel } from '../models/synthetic.ts';
import { defaultPrecision } from './default-precision.ts';

const sd15 = Object.assign(new SyntheticModel('sd15', ''), { textRoles: [] });
const picture = { width: 512, height: 512, batch: 2 };

function chosen(steps: StepTimes, { half = true, memoryBytes = 24e9, wrong = [] as string[] } = {}) {
  const real = new NodeBackend(1);
  const can = { ...real.can, ...foundOut('webgpu', { name: 'GPU', wrong, half, steps }), memoryBytes };
  const gpu = Object.assign(real, { device: 'webgpu', can });
  return defaultPrecision(sd15, { isSmall: async () => false }, picture, gpu);
}

test('on a GPU float16 is the default, unless another precision was measured to be faster', async () => {
  assert.equal(await chosen({}), 'fp16');
  assert.equal(await chosen({ fp32: 0.9, fp16: 1, int8: 0.9 }), 'fp16', 'hardly faster');
  assert.equal(await chosen({ fp32: 1, fp16: 2, int8: 3 }), 'fp32');
  assert.equal(await chosen({ fp32: 3, fp16: 2, int8: 1 }), 'int8');
  assert.equal(await chosen({ fp32: 1, int8: 2 }, { half: false }), 'fp32');
  assert.equal(await chosen({ fp32: 2, int8: 1 }, { half: false }), 'int8');
});

test('where memory is short, what fits', async () => {
  const steps = { fp32: 1, fp16: 1, int8: 2 };
  assert.equal(await chosen(steps, { half: false, memoryBytes: 3e9 }), 'int8');
  assert.equal(await chosen(steps, { memoryBytes: 1e9 }), 'int4');
  const wrong = ['MatMulNBits'];
  assert.equal(await chosen(steps, { half: false, memoryBytes: 1e9, wrong }), 'fp32', 'no blocks there');
});
