import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Candidate } from '../../engine/backends/devices/candidate.ts';
import { InputError } from '../../engine/errors.ts';
import { temporaryFolder } from '../../engine/weights/testing.ts';
import type { DeviceChoice } from '../../shared/devices.ts';
import { scriptOf } from '../../test/support/script.ts';
import { type DeviceEngine, deviceEngine } from './engine.ts';

process.env.PATCHWORK_CACHE = await temporaryFolder();

const candidates: Candidate[] = [
  { id: 'cpu', name: 'processor 1.5', software: false, found: true, identity: 'cpu' },
  { id: 'webgpu', name: 'GPU 0.5', software: false, found: true, identity: 'gpu' },
  { id: 'dml', name: '', software: false, found: false, identity: '', missing: 'this is not Windows' },
  { id: 'cuda', name: '', software: false, found: false, identity: '', missing: 'it has no library' },
];
const testing = path.join(import.meta.dirname, 'testing');

const engines: DeviceEngine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.dispose();
});

function open(
  device: DeviceChoice = 'auto',
  more: { patience?: number; onLog?: (line: string) => void; onWait?: () => void } = {},
) {
  const engine = deviceEngine({
    ...scriptOf(path.join(testing, 'fake-engine.ts')),
    device: () => device,
    devices: { ...scriptOf(path.join(testing, 'fake-device.ts')), candidates },
    ...more,
  });
  engines.push(engine);
  return engine;
}

async function generated(engine: DeviceEngine, prompt: string) {
  const { recipe, device, warnings } = await engine.generate({ prompt });
  return { place: recipe.model.replace(/ \d+$/, ''), device, warnings };
}

test('calls run on the chosen device', async () => {
  const engine = open();
  assert.equal(engine.chosen, undefined);
  assert.deepEqual(await generated(engine, 'a house'), { place: 'webgpu', device: 'webgpu', warnings: [] });
  assert.equal((engine.chosen as { id: string } | undefined)?.id, 'webgpu');
  assert.equal((await generated(open('cpu'), 'a house')).place, 'cpu');
});

test('what does not fit is computed with less memory, and the next call as usual', async () => {
  const engine = open();
  const { place, device, warnings } = await generated(engine, 'is too large');
  assert.deepEqual([place, device], ['webgpu small', 'webgpu']);
  assert.match(warnings[0]!, /^GPU 0\.5 \(WebGPU\) failed, so .* less of its memory: Failed to allocate/);
  assert.equal((await generated(engine, 'a house')).place, 'webgpu');
});

for (const [prompt, why, patience] of [
  ['kills the GPU', /ended unexpectedly with exit code 139/, 60_000],
  ['loses the GPU', /The device was lost/, 60_000],
  ['hangs the GPU', /it made no progress for 2 s/, 2000],
] as const)
  test(`an image that ${prompt} is computed on the processor in the end`, async () => {
    const { place, device, warnings } = await generated(open('webgpu', { patience }), prompt);
    assert.deepEqual([place, device], ['cpu', 'cpu']);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /computed on the processor/);
    assert.match(warnings[0]!, why);
  });

test('a GPU that fails again and again is left alone', async () => {
  const lines: string[] = [];
  const engine = open('auto', { onLog: (line) => lines.push(line) });
  for (let i = 0; i < 2; i++) await generated(engine, 'loses the GPU');
  lines.length = 0;
  assert.deepEqual(await generated(engine, 'a house'), { place: 'cpu', device: 'cpu', warnings: [] });
  assert.deepEqual(lines, []);
  await engine.dispose();
  assert.equal((await generated(engine, 'a house')).place, 'webgpu');
});

test('what needs more memory than the GPU has is computed on the processor, and the GPU stays in use', async () => {
  const engine = open();
  for (let i = 0; i < 3; i++) {
    const { place, warnings } = await generated(engine, 'needs more memory');
    assert.equal(place, 'cpu');
    assert.match(
      warnings.join(),
      /^This was computed on the processor: on GPU 0\.5 \(WebGPU\) X needs .*int4\.$/,
    );
  }
  assert.equal((await generated(engine, 'a house')).place, 'webgpu');
});

test('errors of the user and of the engine are passed on', async () => {
  const engine = open();
  await assert.rejects(engine.generate({ prompt: 'bad input' }), InputError);
  await assert.rejects(engine.generate({ prompt: 'is broken' }), /^Error: Something broke\.$/);
  await assert.rejects(open('cuda').generate({ prompt: 'a house' }), /it has no library/);
});

test('a benchmark that fails on the GPU gives no figures of the processor', async () => {
  await assert.rejects(open().benchmark({ cases: ['dense'] }), /The device was lost/);
  const { report } = await open('cpu').benchmark({ cases: ['dense'] });
  assert.equal(report.rows.length, 2);
});

test('a GPU computes for one process at a time', async () => {
  const lines: string[] = [];
  let waited = 0;
  const onWait = () => waited++;
  const [one, other] = [
    open('auto', { onWait }),
    open('auto', { onLog: (line) => lines.push(line), onWait }),
  ];
  await one.generate({ prompt: 'a house' });
  const lock = path.join(process.env.PATCHWORK_CACHE!, 'device-gpu.lock');
  assert.ok(existsSync(lock));
  assert.equal((await generated(other, 'a boat')).place, 'webgpu');
  assert.ok(lines.some((line) => /another window/.test(line)));
  assert.equal(waited, 1);
  await Promise.all([one.dispose(), other.dispose()]);
});

test('a benchmark of devices waits for its turn, and frees the GPU’s memory first', async () => {
  const lines: string[] = [];
  const [one, other] = [open(), open('auto', { onLog: (line) => lines.push(line) })];
  await other.generate({ prompt: 'a boat' });
  assert.ok(other.pid);
  const controller = new AbortController();
  const { signal } = controller;
  const stages: string[] = [];
  const hung = one.generate(
    { prompt: 'hangs the GPU' },
    { signal, onProgress: ({ stage }) => stages.push(stage) },
  );
  hung.catch(() => {});
  // `one` waits for its turn, which `other` keeps for a moment after its call.
  while (stages.every((stage) => stage === 'turn')) await setTimeout(20);
  assert.equal(stages[0], 'turn');
  const failed = assert.rejects(
    other.benchmark({ cases: ['dense'], devices: ['webgpu'] }),
    /The device was lost/,
  );
  while (!lines.some((line) => /another window/.test(line))) await setTimeout(20);
  assert.equal(other.pid, undefined);
  controller.abort();
  await failed;
  await Promise.all([one.dispose(), other.dispose()]);
});

test('a GPU computes where the cache, in which its turns are kept, cannot be written', async () => {
  const lines: string[] = [];
  const folder = process.env.PATCHWORK_CACHE!;
  await writeFile(path.join(folder, 'file'), '');
  process.env.PATCHWORK_CACHE = path.join(folder, 'file', 'cache');
  try {
    const engine = open('auto', { onLog: (line) => lines.push(line) });
    assert.equal((await generated(engine, 'a house')).place, 'webgpu');
    assert.equal((await generated(engine, 'a boat')).place, 'webgpu');
  } finally {
    process.env.PATCHWORK_CACHE = folder;
  }
  assert.ok(lines.some((line) => /use the GPU at the same time: Cannot write/.test(line)));
});
