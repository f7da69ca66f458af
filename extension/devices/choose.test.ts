import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { LogOutputChannel, QuickPickItem } from 'vscode';
import type { DeviceInfo } from '../../shared/devices.ts';

const { window, workspace } = await import('../../test/support/vscode/stub.ts');
const { chooseDevice } = await import('./choose.ts');

const original = { ...window, getConfiguration: workspace.getConfiguration };
afterEach(() => {
  Object.assign(window, original);
  workspace.getConfiguration = original.getConfiguration;
});

const log = { info() {}, error: assert.fail } as unknown as LogOutputChannel;
const NOTHING = { software: false, reason: null, stepSeconds: null, steps: null, convolutions: null };
const DEVICES: readonly DeviceInfo[] = [
  {
    ...NOTHING,
    id: 'cpu',
    name: 'AMD EPYC',
    provider: 'processor',
    available: true,
    checked: true,
    stepSeconds: 0.1,
  },
  {
    ...NOTHING,
    id: 'webgpu',
    name: 'GPU $(flame)',
    provider: 'WebGPU',
    available: true,
    checked: true,
    stepSeconds: 0.009,
    steps: { fp32: 0.02, fp16: 0.009 },
  },
  {
    ...NOTHING,
    id: 'dml',
    name: 'GPU',
    provider: 'DirectML',
    available: false,
    checked: false,
    reason: 'DirectML is part of Windows only',
  },
];

/** Runs the command. @param answers what the user picks each time the list is shown, by the beginning of its label */
async function chosen(...answers: string[]) {
  const shown: QuickPickItem[][] = [];
  const warnings: string[] = [];
  const written: unknown[] = [];
  const tries: unknown[] = [];
  Object.assign(window, {
    showQuickPick: async (items: QuickPickItem[]) => {
      shown.push(items);
      return items.find(({ label }) => label.startsWith(answers[shown.length - 1] ?? 'none'));
    },
    showWarningMessage: async (text: string) => void warnings.push(text),
  });
  const update = async (name: string, value: unknown) => void written.push([name, value]);
  Object.assign(workspace, { getConfiguration: () => ({ get: () => undefined, update }) });
  await chooseDevice(log, async ({ again }) => {
    tries.push(again);
    return [...DEVICES];
  });
  return { shown, warnings, written, tries };
}

test('the list says what was checked, in which precisions, and the time of a step', async () => {
  const { shown, written } = await chosen();
  assert.deepEqual(
    shown[0]!.map(({ label, description, detail }) => [label, description, detail]),
    [
      [
        'Automatic',
        'in use',
        'The fastest device that computes correctly. GPUs emulated in software are left out.',
      ],
      ['AMD EPYC', 'processor · a test step takes 100 ms', 'Others are checked against it.'],
      [
        'GPU $ (flame) (WebGPU)',
        'a test step takes 9.0 ms',
        'Checked against the processor; a test step in fp32 20 ms, fp16 9.0 ms.',
      ],
      ['GPU (DirectML)', '', 'Cannot be used: DirectML is part of Windows only.'],
      ['Try All Again', undefined, undefined],
    ],
  );
  assert.deepEqual(written, [], 'nothing was chosen');
});

test('the choice is written into the settings, and automatic choice leaves none', async () => {
  assert.deepEqual((await chosen('GPU $ (flame)')).written, [['device', 'webgpu']]);
  assert.deepEqual((await chosen('Automatic')).written, [['device', undefined]]);
});

test('a device that cannot be used is refused with its reason', async () => {
  const { written, warnings } = await chosen('GPU (DirectML)');
  assert.deepEqual(written, []);
  assert.deepEqual(warnings, [
    'Networks cannot run on GPU (DirectML). Cannot be used: DirectML is part of Windows only.',
  ]);
});

test('devices are tried again where that is asked for, and listed again', async () => {
  const { tries, written } = await chosen('Try All Again', 'AMD');
  assert.deepEqual(tries, [false, true]);
  assert.deepEqual(written, [['device', 'cpu']]);
});
