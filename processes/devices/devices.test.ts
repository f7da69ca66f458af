import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { Candidate } from '../../engine/backends/devices/candidate.ts';
import { InputError } from '../../engine/errors.ts';
import type { DeviceId } from '../../shared/devices.ts';
import { scriptOf } from '../../test/support/script.ts';
import { chooseDevice, listDevices } from './devices.ts';
import { Turn } from './turn.ts';

const { PATCHWORK_CACHE } = process.env;
let root: string;
let count = 0;
before(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'patchwork-devices-'));
});
beforeEach(async () => {
  process.env.PATCHWORK_CACHE = path.join(root, String(count++));
  await mkdir(process.env.PATCHWORK_CACHE);
});
after(async () => {
  await rm(root, { recursive: true, force: true });
  if (PATCHWORK_CACHE === undefined) delete process.env.PATCHWORK_CACHE;
  else process.env.PATCHWORK_CACHE = PATCHWORK_CACHE;
});

const tried: string[] = [];
const options = {
  ...scriptOf(path.join(import.meta.dirname, 'testing/fake-device.ts')),
  onTry: (name: string) => tried.push(name),
};

function machine(...others: (Partial<Candidate> & { id: DeviceId; name: string })[]): Candidate[] {
  const all: Candidate[] = ['cpu', 'webgpu', 'dml', 'cuda'].map((id) => ({
    id: id as DeviceId,
    name: `${id} 1.5`,
    software: false,
    found: id === 'cpu',
    identity: id,
    ...(id !== 'cpu' && { missing: `there is no ${id}` }),
  }));
  return all.map((one) => {
    const given = others.find(({ id }) => id === one.id);
    return given ? { ...one, found: true, missing: undefined, identity: given.name, ...given } : one;
  });
}

async function triedBy(action: () => Promise<unknown>): Promise<string[]> {
  tried.length = 0;
  await action();
  return [...tried];
}

test('the fastest that computes correctly is chosen, and what was found out is remembered', async () => {
  const candidates = machine(
    { id: 'webgpu', name: 'GPU of 0.25 s' },
    { id: 'dml', name: 'composes in 0.1 s' },
  );
  const choose = () => chooseDevice('auto', { ...options, candidates });
  assert.equal((await triedBy(choose)).length, 3);
  assert.deepEqual(await choose(), {
    id: 'dml',
    findings: { name: 'composes in 0.1 s', wrong: ['MultiHeadAttention'], steps: { fp32: 0.1 } },
  });
  assert.deepEqual(await triedBy(choose), []);
  // Another card, or another driver.
  const other = machine({ id: 'webgpu', name: 'GPU of 0.25 s', identity: 'with another driver' });
  assert.deepEqual(await triedBy(() => chooseDevice('auto', { ...options, candidates: other })), [
    'GPU of 0.25 s',
  ]);
  assert.equal((await chooseDevice('auto', { ...options, candidates: other })).id, 'webgpu');
  // A remembered device that is gone.
  assert.equal((await chooseDevice('auto', { ...options, candidates: machine() })).id, 'cpu');
});

test('a processor that is faster than the GPU stays', async () => {
  const candidates = machine({ id: 'webgpu', name: 'GPU of 4 s' });
  assert.equal((await chooseDevice('auto', { ...options, candidates })).id, 'cpu');
});

test('nothing is tried where there is no GPU, and software is not one', async () => {
  for (const candidates of [
    machine(),
    machine({ id: 'webgpu', name: 'software of 0.1 s', software: true }),
    machine({ id: 'webgpu', name: 'unlisted, 0.1 s', found: false }),
  ]) {
    const choose = () => chooseDevice('auto', { ...options, candidates });
    assert.deepEqual(await triedBy(choose), []);
    assert.equal((await choose()).id, 'cpu');
  }
  // Named, it is used.
  const candidates = machine({ id: 'webgpu', name: 'software of 0.1 s', software: true });
  assert.equal((await chooseDevice('webgpu', { ...options, candidates })).id, 'webgpu');
});

for (const [name, reason] of [
  ['GPU that crashes', 'it ended the process that tried it'],
  ['GPU that hangs', 'it did not answer within 1 s'],
  ['GPU that is wrong', 'its attentions are wrong by 31 %'],
  ['GPU that has no driver', 'Failed to get an adapter.'],
] as const)
  test(`a ${name} is shown with its reason, and not tried twice`, async () => {
    const candidates = machine({ id: 'webgpu', name });
    const given = { ...options, candidates, patience: name.includes('hangs') ? 1000 : 60_000 };
    assert.equal((await chooseDevice('auto', given)).id, 'cpu');
    await assert.rejects(
      chooseDevice('webgpu', given),
      (error) => error instanceof InputError && error.setting === 'device' && error.message.includes(reason),
    );
    assert.deepEqual(await triedBy(() => listDevices(given)), []);
    const [, device] = await listDevices(given);
    assert.deepEqual(device, {
      id: 'webgpu',
      name,
      provider: 'WebGPU',
      available: false,
      checked: false,
      software: false,
      reason,
      stepSeconds: null,
      steps: null,
      convolutions: null,
    });
    assert.deepEqual(await triedBy(() => listDevices({ ...given, again: true })), ['cpu 1.5', name]);
  });

test('where there is no card, that is the reason', async () => {
  const candidates = machine({ id: 'webgpu', name: 'GPU that has no driver', found: false });
  const [, device] = await listDevices({ ...options, candidates, again: true });
  assert.equal(device!.reason, 'it finds no graphics card on this machine');
});

test('a named device that was remembered and is gone is refused in a sentence, and `auto` goes on', async () => {
  const before = machine({ id: 'webgpu', name: 'GPU of 0.25 s' });
  assert.equal((await chooseDevice('webgpu', { ...options, candidates: before })).id, 'webgpu');
  // Unplugged: the system lists no card, and the runtime finds none.
  const candidates = machine({ id: 'webgpu', name: 'no card, has no driver', found: false });
  await assert.rejects(
    chooseDevice('webgpu', { ...options, candidates }),
    (error) =>
      error instanceof InputError &&
      /^Networks cannot run on the device webgpu \(WebGPU\) here: it finds no graphics card on this machine\. Choose auto or cpu/.test(
        error.message,
      ),
  );
  assert.equal((await chooseDevice('auto', { ...options, candidates })).id, 'cpu');
});

test('a device that is not there is refused with its reason', async () => {
  await assert.rejects(chooseDevice('cuda', { ...options, candidates: machine() }), /there is no cuda/);
});

test('a damaged file of devices is written again', async () => {
  const candidates = machine({ id: 'webgpu', name: 'GPU of 0.25 s' });
  const file = path.join(process.env.PATCHWORK_CACHE!, 'devices.json');
  for (const damaged of [
    '',
    '{"version":1,"devices":{"GPU of 0.25 s":{"wrong":"x"}}}',
    '[]',
    '{"version":99}',
  ]) {
    await writeFile(file, damaged);
    assert.equal((await chooseDevice('webgpu', { ...options, candidates })).id, 'webgpu');
    JSON.parse(await readFile(file, 'utf8'));
  }
});

/** Whether `choose`, given a log, waits for a turn that this process has. */
async function waits(choose: (onLog: (line: string) => void) => Promise<unknown>): Promise<boolean> {
  let choosing: Promise<unknown> | undefined;
  let hasWaited = false;
  await new Turn(undefined).during('gpu', undefined, async () => {
    await new Promise<void>((told) => {
      choosing = choose((line) => {
        if (!/computes for another window/.test(line)) return;
        hasWaited = true;
        told();
      });
      choosing.then(() => told());
    });
  });
  await choosing;
  return hasWaited;
}

test('a GPU is tried when no other process computes there, by whatever interface', async () => {
  for (const id of ['webgpu', 'dml', 'cuda'] as const) {
    const candidates = machine({ id, name: `${id} of 0.25 s` });
    const tries = triedBy(async () => {
      assert.ok(await waits((onLog) => chooseDevice(id, { ...options, candidates, onLog })), id);
    });
    assert.deepEqual(await tries, [`${id} of 0.25 s`]);
  }
});

test('the processor, and one that acts as a GPU, do not wait for a GPU', async () => {
  const candidates = machine({ id: 'webgpu', name: 'software of 0.1 s', software: true });
  for (const id of ['cpu', 'webgpu'] as const)
    assert.ok(!(await waits((onLog) => chooseDevice(id, { ...options, candidates, onLog }))), id);
  const { findings } = await chooseDevice('webgpu', { ...options, candidates });
  assert.equal(findings.software, true);
});
