import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceInfo } from '../../shared/devices.ts';
import { deviceItems } from './items.ts';

const device = (about: Partial<DeviceInfo>): DeviceInfo => ({
  id: 'cpu',
  name: 'AMD EPYC',
  provider: 'processor',
  available: true,
  checked: true,
  software: false,
  convolutions: null,
  steps: null,
  reason: null,
  stepSeconds: 0.02,
  ...about,
});

test('devices in words: automatic first, the one in use, what cannot be used and why', () => {
  const items = deviceItems(
    [
      device({}),
      device({
        id: 'webgpu',
        name: 'SwiftShader',
        software: true,
        steps: { fp32: 0.02, int8: 0.03 },
        reason: 'computed another way, because wrong: x',
      }),
      device({
        id: 'dml',
        name: 'GPU',
        available: false,
        checked: false,
        reason: 'it is for Windows',
        stepSeconds: null,
      }),
    ],
    'webgpu',
  );
  assert.deepEqual(
    items.map(({ label, description, detail, unusable }) => [label, description, detail, unusable]),
    [
      [
        'Automatic',
        '',
        'The fastest device that computes correctly. GPUs emulated in software are left out.',
        false,
      ],
      ['AMD EPYC', 'processor · a test step takes 20 ms', 'Others are checked against it.', false],
      [
        'SwiftShader (WebGPU)',
        'software · a test step takes 20 ms · in use',
        'Checked against the processor; a test step in fp32 20 ms, int8 30 ms. Computed another way, because wrong: x.',
        false,
      ],
      ['GPU (DirectML)', '', 'Cannot be used: it is for Windows.', true],
    ],
  );
});
