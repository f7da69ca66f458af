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
        reason: 'computed another way, because wrong: x',
      }),
      device({
        id: 'dml',
        name: 'GPU',
        available: false,
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
      ['AMD EPYC', 'processor · a test step takes 20 ms', undefined, false],
      [
        'SwiftShader (WebGPU)',
        'software · a test step takes 20 ms · in use',
        'Computed another way, because wrong: x.',
        false,
      ],
      ['GPU (DirectML)', '', 'Cannot be used: it is for Windows.', true],
    ],
  );
});
