import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { createEngine } from '../../engine/engine.ts';
import { isAbort } from '../../engine/errors.ts';
import { encodePng } from '../../engine/pictures/png.ts';
import {
  type EditRequest,
  type EditResult,
  type Engine,
  type GenerateRequest,
  type ParallelMode,
  PRECISIONS,
} from '../../shared/api.ts';
import {
  writeCheckpoint,
  writeControlModels,
  writeLora,
  writeReferenceModel,
} from '../../test/support/checkpoints.ts';
import { decibels, HOUSE } from '../../test/support/house.ts';
import { scriptOf } from '../../test/support/script.ts';
import { LocalCrew } from './crew.ts';

const crew = new LocalCrew();
const engine: Engine = createEngine(new NodeBackend(), { openCrew: () => crew });
after(() => engine.dispose());

let alone: Uint8Array;

test('two workers with a branch of guidance each draw the same picture', async () => {
  alone = (await engine.generate(HOUSE)).picture.png;
  const { picture, workers } = await engine.generate({ ...HOUSE, workers: 2 });
  assert.ok((await decibels(picture.png, alone)) > 60);
  assert.deepEqual(
    workers!.map(({ name, branch, sentBytes }) => [name, branch, sentBytes]),
    [
      ['Worker 1', 0, 0],
      ['Worker 2', 1, 0],
    ],
  );
});

test('two and four workers with a band each draw nearly the same picture, the same one every time', async () => {
  for (const workers of [2, 4]) {
    const divided = { ...HOUSE, workers, patch: { split: 'bands' as const } };
    const first = await engine.generate(divided);
    const dense = await engine.generate({ ...divided, patch: { ...divided.patch, mode: 'synchronous' } });
    assert.deepEqual(first.warnings, []);
    assert.ok((await decibels(dense.picture.png, alone)) > 60);
    const naive = await engine.generate({
      ...divided,
      patch: { ...divided.patch, mode: 'naive', warmUp: 0 },
    });
    const near = await decibels(first.picture.png, alone);
    assert.ok(near > 2 + (await decibels(naive.picture.png, alone)), `${near} dB`);
    const second = await engine.generate(divided);
    assert.deepEqual(second.picture.png, first.picture.png);
    assert.ok(first.workers!.every(({ receivedBytes }) => receivedBytes > 0));
  }
});

test('a worker killed mid-picture: the others finish it, and the next picture has all workers again', async () => {
  const divided = { ...HOUSE, workers: 2, patch: { split: 'bands' as const } };
  const [, victim] = await crew.members(2, 1);
  const result = await engine.generate(divided, {
    onProgress: ({ step }) => {
      if (step === 4 && victim!.usable) process.kill(victim!.pid!, 'SIGKILL');
    },
  });
  assert.deepEqual(result.warnings, ['Worker 2 was lost; Worker 1 did the rest.']);
  assert.ok((await decibels(result.picture.png, alone)) > 18);
  const next = await engine.generate(divided);
  assert.deepEqual(next.warnings, []);
  assert.equal(next.workers!.length, 2);
});

test('cancelling stops the workers within a step; they serve the next picture', async () => {
  const before = (await crew.members(2, 1)).map(({ pid }) => pid);
  const controller = new AbortController();
  const call = engine.generate(
    { ...HOUSE, steps: 150, workers: 2 },
    { signal: controller.signal, onProgress: ({ step }) => step === 2 && controller.abort() },
  );
  await assert.rejects(call, isAbort);
  const next = await engine.generate({ ...HOUSE, workers: 2 });
  assert.ok((await decibels(next.picture.png, alone)) > 60);
  assert.deepEqual(
    (await crew.members(2, 1)).map(({ pid }) => pid),
    before,
  );
});

test('an image that begins at half the resolution is the same by two workers', async () => {
  const composed = { ...HOUSE, steps: 6, stepPlan: 'FFFF/FF', threads: 1 };
  const whole = await engine.generate(composed);
  for (const split of ['auto', 'bands'] as const) {
    const patch = { split, mode: 'synchronous' as const };
    const { picture, workers, macs } = await engine.generate({ ...composed, workers: 2, patch });
    assert.ok((await decibels(picture.png, whole.picture.png)) > 60);
    assert.equal(workers!.length, 2);
    // Workers with a branch each compute every position once.
    if (split === 'auto') assert.equal(macs, whole.macs);
  }
});

test('a worker that is lost at half the resolution is said once, and missing at the whole one', async () => {
  const [, victim] = await crew.members(2, 1);
  const result = await engine.generate(
    { ...HOUSE, steps: 6, stepPlan: 'FFFF/FF', workers: 2 },
    {
      onProgress: ({ step }) => {
        if (step === 2 && victim!.usable) process.kill(victim!.pid!, 'SIGKILL');
      },
    },
  );
  assert.deepEqual(result.warnings, ['Worker 2 was lost; Worker 1 did the rest.']);
  assert.deepEqual(
    result.workers!.map(({ name }) => name),
    ['Worker 1'],
  );
});

/** A rectangle in the middle of a picture of 256×256 pixels. */
const mask = await encodePng(
  Float32Array.from({ length: 3 * 256 * 256 }, (_, i) => {
    const [y, x] = [Math.floor((i % (256 * 256)) / 256), i % 256];
    return y >= 96 && y < 176 && x >= 64 && x < 208 ? 1 : -1;
  }),
  256,
  256,
);
// Bytes are scaled by what one run computes, so that workers agree exactly only in float32.
const edited = (image: Uint8Array, seed: number) =>
  ({
    prompt: 'a blue boat',
    image,
    mask,
    seed,
    steps: 8,
    threads: 1,
    precision: 'fp32',
  }) satisfies EditRequest;

test('an edit by two workers is that of one; what they recorded serves the next edits', async () => {
  const one = await engine.edit(edited(alone, 1));
  const two = await engine.edit({ ...edited(alone, 1), workers: 2 });
  assert.ok((await decibels(two.picture.png, one.picture.png)) > 60);
  assert.deepEqual(
    two.workers!.map(({ branch }) => branch),
    [0, 1],
  );
  assert.equal(two.recordedSteps, one.stepSeconds.length);
  const again = await engine.edit({ ...edited(alone, 2), workers: 2 });
  assert.equal(again.recordedSteps, 0);
  const stacked = await engine.edit({ ...edited(two.picture.png, 3), workers: 2 });
  assert.equal(stacked.recordedSteps, 0);
});

test('the positions of an edit divided over workers: dense steps are exact, displaced ones near', async () => {
  const one = (await engine.edit(edited(alone, 1))).picture.png;
  const shared = (mode: ParallelMode, warmUp?: number) =>
    engine.edit({ ...edited(alone, 1), workers: 3, patch: { split: 'bands', mode, warmUp } });
  const near = async (result: EditResult) => decibels(result.picture.png, one);
  assert.ok((await near(await shared('synchronous'))) > 60);
  // Few steps change much from one to the next.
  const displaced = await shared('displaced', 4);
  assert.deepEqual(displaced.warnings, []);
  assert.ok(displaced.workers!.every(({ stepMacs, receivedBytes }) => stepMacs > 0 && receivedBytes > 0));
  assert.ok((await near(displaced)) > 2 + (await near(await shared('naive', 0))));
});

test('a worker killed in the middle of an edit: the others finish it', async () => {
  const divided = { ...edited(alone, 1), workers: 2, patch: { split: 'bands' as const } };
  const [, victim] = await crew.members(2, 1);
  const result = await engine.edit(divided, {
    onProgress: ({ stage, step }) => {
      if (stage === 'denoise' && step === 4 && victim!.usable) process.kill(victim!.pid!, 'SIGKILL');
    },
  });
  assert.deepEqual(result.warnings, ['Worker 2 was lost; Worker 1 did the rest.']);
  const one = await engine.edit(edited(alone, 1));
  assert.ok((await decibels(result.picture.png, one.picture.png)) > 18);
});

test('control images, references and a LoRA: two workers with a branch each draw and edit as one process does', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-steered-'));
  try {
    const model = path.join(folder, 'sd15');
    await writeCheckpoint(model, 'sd15');
    const { controlNet, adapter } = await writeControlModels(folder);
    const lora = path.join(folder, 'style.safetensors');
    await writeLora(lora);
    const grey = (value: number) => ({
      width: 64,
      height: 64,
      channels: 3 as const,
      data: new Uint8Array(3 * 64 * 64).fill(value),
    });
    const steered: GenerateRequest = {
      prompt: 'a house',
      model,
      seed: 3,
      steps: 3,
      width: 64,
      height: 64,
      guidance: 3,
      threads: 1,
      controls: [
        { image: grey(200), model: controlNet, guess: true },
        { image: grey(40), model: adapter, end: 0.7 },
      ] as never,
      references: [{ image: grey(90), strength: 0.6 }] as never,
      referenceModel: await writeReferenceModel(folder),
      loras: [{ lora, strength: 0.8 }],
    };
    const one = await engine.generate(steered);
    const { controls: _, ...plain } = steered;
    assert.ok((await decibels(one.picture.png, (await engine.generate(plain)).picture.png)) < 60);
    const two = await engine.generate({ ...steered, workers: 2 });
    assert.equal(two.workers!.length, 2);
    assert.ok((await decibels(two.picture.png, one.picture.png)) > 55);
    const bands = { split: 'bands', mode: 'synchronous' } as const;
    const divided = await engine.generate({ ...steered, workers: 2, patch: bands });
    assert.ok((await decibels(divided.picture.png, one.picture.png)) > 55);

    const { width: __, height: ___, ...drawing } = steered;
    const part = new Uint8Array(64 * 64).map((_value, i) => (i % 64 < 24 && i > 1000 ? 255 : 0));
    const asked: EditRequest = {
      ...drawing,
      image: one.picture.png,
      mask: { width: 64, height: 64, channels: 1, data: part },
    };
    const alone = await engine.edit(asked);
    const shared = await engine.edit({ ...asked, workers: 2 });
    assert.ok((await decibels(shared.picture.png, alone.picture.png)) > 55);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('more workers than the picture can be divided over leave some without a part', async () => {
  const { workers } = await engine.generate({ ...HOUSE, width: 64, height: 64, workers: 8 });
  assert.ok(workers!.length < 8);
});

test('workers end and clear up when who started them dies', { skip: !existsSync('/dev/shm') }, async () => {
  const { script, execArgv } = scriptOf(path.join(import.meta.dirname, 'testing/abandon.ts'));
  const child = fork(script, {
    execArgv,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [pids] = (await once(child, 'message')) as [number[]];
  // Others may run meanwhile; a folder's name has the process that made it.
  const family = [child.pid!, ...pids];
  const isMine = (name: string) => family.some((pid) => name.includes(`-${pid}-`));
  const mine = () => readdirSync('/dev/shm').filter((name) => name.startsWith('patchwork-') && isMine(name));
  assert.ok(mine().length > 0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const alive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  for (let i = 0; i < 100 && (pids.some(alive) || mine().length > 0); i++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(pids.filter(alive), []);
  assert.deepEqual(mine(), []);
});

test('two workers read the reference images of a model that reads images itself', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-crew-'));
  try {
    await writeCheckpoint(folder, 'flux2-klein');
    const image = await encodePng(
      new Float32Array(3 * 96 * 64).map((_, i) => (i % 97) / 97),
      96,
      64,
    );
    const request = { prompt: 'make it night', model: folder, seed: 3, steps: 4, references: [{ image }] };
    const own = (await engine.generate(request)).picture.png;
    const blind = (await engine.generate({ ...request, references: [], width: 96, height: 64 })).picture.png;
    const divided = await engine.generate({ ...request, workers: 2 });
    assert.equal(divided.workers!.length, 2);
    const near = await decibels(divided.picture.png, own);
    assert.ok(near > 6 + (await decibels(blind, own)), `${near} dB`);
    const dense = await engine.generate({ ...request, workers: 2, patch: { mode: 'synchronous' } });
    assert.ok((await decibels(dense.picture.png, own)) > 60);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('workers on the processor take part in an image that a GPU draws in float16', async () => {
  const real = new NodeBackend();
  const gpu = Object.assign(real, { can: { ...real.can, precisions: PRECISIONS } });
  const engine = createEngine(gpu, { openCrew: () => crew });
  const { picture, warnings } = await engine.generate({ ...HOUSE, precision: 'fp16', workers: 2 });
  assert.deepEqual(warnings, []);
  assert.ok((await decibels(picture.png, alone)) > 60);
});
