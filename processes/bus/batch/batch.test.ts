import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { BatchFolder, type BatchPlan } from '../../../engine/batch/folder.ts';
import { abortError, InputError, isAbort } from '../../../engine/errors.ts';
import { contentHash } from '../../../engine/models/content-hash.ts';
import { EMBEDDED } from '../../../engine/models/embedded.ts';
import { openModel } from '../../../engine/models/open.ts';
import { encodePng } from '../../../engine/pictures/png.ts';
import { readPicture } from '../../../engine/pictures/read.ts';
import { withRecipe } from '../../../engine/pictures/recipe.ts';
import type { Engine, GenerateRequest, GenerateResult } from '../../../shared/api.ts';
import { noServer, startServer, type TestServer } from '../testing/server.ts';
import { BusWorker } from '../worker.ts';
import { coordinate } from './coordinate.ts';
import { consumerName, MAX_ATTEMPTS, RESULTS, resultsOf, subjectsIn, TASKS, tasksFor } from './queue.ts';

const skip = noServer;
const QUICK = { task: 600 };
const SIZE = 64;

let server: TestServer;
let store: string;
let root: string;
let bus: NatsConnection;
let workers: BusWorker[] = [];

before(async () => {
  if (skip) return;
  // The server waits for its disk, which may be slow.
  const place = existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
  root = await mkdtemp(path.join(place, 'patchwork-batch-'));
  store = path.join(root, 'jetstream');
  server = await startServer('-js', '-sd', store);
  bus = await connect({ servers: server.url.replace('nats://', '') });
});

afterEach(async () => {
  for (const worker of workers) await worker.stop();
  workers = [];
});

after(async () => {
  if (skip) return;
  await bus.close();
  await server.stop();
  await rm(root, { recursive: true, force: true });
});

type Draw = (request: GenerateRequest, signal: AbortSignal | undefined) => Promise<void>;

/** An engine that draws a plain picture at once; `hook` may wait or throw. Tells what it was asked for. */
function plainEngine(hook: Draw, drawn: string[]): Engine {
  return {
    async generate(request, { signal, onProgress } = {}) {
      drawn.push(`${request.prompt} ${request.seed}`);
      onProgress?.({ stage: 'denoise', step: 1, steps: 2 });
      await hook(request, signal);
      signal?.throwIfAborted();
      return {
        picture: { png: await plainPicture(request), width: SIZE, height: SIZE },
        seconds: 0.1,
      } as GenerateResult;
    },
    async dispose() {},
  } as Engine;
}

async function plainPicture({ prompt, seed }: Pick<GenerateRequest, 'prompt' | 'seed'>, size = SIZE) {
  const png = await encodePng(new Float32Array(3 * size * size).fill(0.5), size, size);
  const settings = {
    negativePrompt: '',
    model: 'x',
    steps: 1,
    guidance: 1,
    width: size,
    height: size,
  } as const;
  return withRecipe(png, { prompt, seed: seed!, ...settings, scheduler: 'ddim', precision: 'fp32' });
}

async function startWorker(drawn: string[] = [], hook: Draw = async () => {}): Promise<BusWorker> {
  const options = { bus: { url: server.url }, models: [EMBEDDED], patience: QUICK };
  const worker = await BusWorker.start({ ...options, openEngine: () => plainEngine(hook, drawn) });
  workers.push(worker);
  return worker;
}

const plan = (prompts: string[], count = 1): BatchPlan => ({
  prompts,
  count,
  seed: 7,
  settings: { width: SIZE, height: SIZE },
});

async function openBatch(what: BatchPlan, name: string = crypto.randomUUID()) {
  const folder = path.join(root, name);
  const open = () => BatchFolder.open(folder, what);
  const pictures = async () => (await readdir(folder)).filter((file) => file.endsWith('.png')).sort();
  const run = async (options: Parameters<typeof coordinate>[2] = {}) =>
    coordinate(await open(), { url: server.url }, { interval: 200, ...options });
  return { folder, open, pictures, run };
}

async function queueLength(): Promise<number> {
  return (await (await jetstreamManager(bus)).streams.info(TASKS)).state.messages;
}

test('the pictures of a batch are drawn by all workers, once each, and saved with their recipes', {
  skip,
}, async () => {
  const drawn: string[][] = [[], []];
  for (const list of drawn) await startWorker(list, () => pause(100));
  const batch = await openBatch(plan(['a cat', 'a dog'], 4));
  const steps: number[] = [];
  const { saved, failed, waiting } = await batch.run({ onProgress: ({ step }) => steps.push(step) });
  assert.deepEqual([saved.length, failed.length, waiting], [8, 0, 0]);
  assert.deepEqual(
    drawn.flat().sort(),
    ['a cat', 'a dog'].flatMap((prompt) => [7, 8, 9, 10].map((seed) => `${prompt} ${seed}`)).sort(),
  );
  assert.ok(
    drawn.every((list) => list.length > 0),
    'both workers drew',
  );
  assert.ok(steps.length > 0);
  assert.equal((await batch.pictures()).length, 8);
  const { recipe } = await readPicture(path.join(batch.folder, '0006.png'));
  assert.deepEqual([recipe?.prompt, recipe?.seed], ['a dog', 8]);
  assert.equal(await queueLength(), 0);
  const again = await batch.run();
  assert.deepEqual([again.saved.length, again.waiting], [0, 0]);
});

test('who asked may go and come back: nothing is drawn twice', { skip }, async () => {
  const drawn: string[] = [];
  const batch = await openBatch(plan(['a cat'], 4));
  assert.equal((await batch.run({ detach: true })).waiting, 4);
  assert.equal((await batch.run({ detach: true })).waiting, 4);
  await startWorker(drawn);
  while ((await queueLength()) > 0) await pause(100);
  // As if the last run had ended after saving a picture and before clearing it away.
  await writeFile(path.join(batch.folder, '0001.png'), await plainPicture({ prompt: 'a cat', seed: 7 }));
  const { saved } = await batch.run();
  assert.equal(saved.length, 3);
  assert.equal(drawn.length, 4);
});

test('the queue outlives the server', { skip }, async () => {
  const other = path.join(root, 'other');
  const first = await startServer('-js', '-sd', other);
  const batch = await openBatch(plan(['a cat'], 3));
  const folder = await batch.open();
  await coordinate(folder, { url: first.url }, { detach: true });
  first.process.kill('SIGKILL');
  await first.stop();
  const second = await startServer('-js', '-sd', other);
  const worker = await BusWorker.start({
    bus: { url: second.url },
    models: [EMBEDDED],
    openEngine: () => plainEngine(async () => {}, []),
  });
  const { saved } = await coordinate(folder, { url: second.url }, { interval: 200 });
  assert.equal(saved.length, 3);
  await worker.stop();
  await second.stop();
});

test('a worker that dies over a picture: another draws it', { skip }, async () => {
  const [doomed, drawn]: string[][] = [[], []];
  let dead: Promise<void> | undefined;
  const first = await startWorker(doomed, async (_, signal) => {
    dead ??= first.bus.close();
    await until(signal);
  });
  const batch = await openBatch(plan(['a cat'], 3));
  const running = batch.run();
  while (!dead) await pause(20);
  await startWorker(drawn);
  const { saved, failed } = await running;
  assert.deepEqual([saved.length, failed.length], [3, 0]);
  assert.equal(doomed!.length, 1);
  assert.equal(drawn!.length, 3);
});

test('a worker that leaves gives its picture back at once', { skip }, async () => {
  let begun = false;
  const leaving = await startWorker([], async (_, signal) => {
    begun = true;
    await until(signal);
  });
  const batch = await openBatch(plan(['a cat']));
  const running = batch.run();
  while (!begun) await pause(20);
  await leaving.stop();
  await startWorker();
  assert.equal((await running).saved.length, 1);
});

test('a picture that fails ends with its error, the others are drawn', { skip }, async () => {
  const drawn: string[] = [];
  await startWorker(drawn, async ({ prompt }) => {
    if (prompt === 'poison') throw new Error('the engine ended');
    if (prompt === 'wrong') throw new InputError('this cannot be drawn');
  });
  const batch = await openBatch(plan(['poison', 'wrong', 'a cat']));
  const { saved, failed } = await batch.run();
  assert.deepEqual(
    saved.map(({ item }) => item),
    [2],
  );
  assert.deepEqual(
    failed.sort((a, b) => a.item - b.item),
    [
      { item: 0, error: 'the engine ended' },
      { item: 1, error: 'this cannot be drawn' },
    ],
  );
  assert.equal(drawn.filter((what) => what.startsWith('poison')).length, MAX_ATTEMPTS);
  assert.equal(drawn.filter((what) => what.startsWith('wrong')).length, 1);
  assert.equal(await queueLength(), 0);
});

test('a picture that ends every worker is given up', { skip }, async () => {
  const batch = await openBatch(plan(['poison']));
  const running = batch.run();
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    let dead: Promise<void> | undefined;
    const worker = await startWorker([], async (_, signal) => {
      dead ??= worker.bus.close();
      await until(signal);
    });
    while (!dead) await pause(20);
    await worker.stop();
  }
  await startWorker();
  const { failed } = await running;
  assert.match(failed[0]!.error, /given up after 3 attempts/);
});

test('cancelling takes back what is not drawn; the same batch continues later', { skip }, async () => {
  const drawn: string[] = [];
  const worker = await startWorker(drawn, async (_, signal) => {
    if (drawn.length > 2) await until(signal);
  });
  const batch = await openBatch(plan(['a cat'], 6));
  const controller = new AbortController();
  await assert.rejects(
    batch.run({ signal: controller.signal, onProgress: () => drawn.length > 2 && controller.abort() }),
    isAbort,
  );
  assert.equal(await queueLength(), 0);
  for (let i = 0; i < 50 && worker.busy; i++) await pause(50);
  assert.equal(worker.busy, false);
  assert.equal((await batch.pictures()).length, 2);
  await worker.stop();
  await startWorker();
  assert.equal((await batch.run()).saved.length, 4);
});

test('a worker whose queue is deleted while it waits makes it again', { skip }, async () => {
  const worker = await startWorker();
  const manager = await jetstreamManager(bus);
  const name = consumerName(await contentHash(await openModel(EMBEDDED)));
  const isThere = () =>
    manager.consumers.info(TASKS, name).then(
      () => true,
      () => false,
    );
  while (!(await isThere())) await pause(100);
  await manager.consumers.delete(TASKS, name);
  const batch = await openBatch(plan(['a cat'], 2));
  assert.equal((await batch.run()).saved.length, 2);
  await worker.stop();
});

test('what is no task, or no picture that was asked for, changes nothing', { skip }, async () => {
  const drawn: string[] = [];
  const batch = await openBatch(plan(['a cat'], 2));
  const { id } = await batch.open();
  await batch.run({ detach: true });
  const hash = await contentHash(await openModel(EMBEDDED));
  const stream = jetstream(bus);
  const other = crypto.randomUUID();
  const request = { prompt: 'a cat', seed: 1, steps: 1e9 };
  for (const [item, data] of ['', '{', JSON.stringify({ batch: id, item: 0 })].entries())
    await stream.publish(`${tasksFor(hash)}.${other}.${item}`, data);
  await stream.publish(`${tasksFor(hash)}.${other}.7`, JSON.stringify({ batch: other, item: 7, request }));
  // A picture from elsewhere, of another size; and a head whose parts are missing.
  const png = await plainPicture({ prompt: 'a cat', seed: 7 }, 128);
  const attempt = crypto.randomUUID();
  const { createHash } = await import('node:crypto');
  const sha256 = createHash('sha256').update(png).digest('hex');
  const head = { attempt, parts: 1, sha256, worker: 'x', seconds: 0 };
  await stream.publish(`${resultsOf(id, 0)}.${attempt}.0`, png);
  await stream.publish(`${resultsOf(id, 0)}.head`, JSON.stringify(head));
  await stream.publish(`${resultsOf(id, 1)}.head`, JSON.stringify(head));
  bus.publish(`patchwork.batch.${id}.progress`, 'rubbish');
  const running = batch.run();
  const manager = await jetstreamManager(bus);
  while ((await subjectsIn(manager, RESULTS, `${resultsOf(id, '*')}.>`)).length > 0) await pause(50);
  await startWorker(drawn);
  const { saved, failed } = await running;
  assert.deepEqual(
    failed.map(({ item }) => item),
    [0],
  );
  assert.match(failed[0]!.error, /128×128 pixels, not 64×64/);
  assert.deepEqual(
    saved.map(({ item }) => item),
    [1],
  );
  for (let i = 0; i < 50 && (await queueLength()) > 0; i++) await pause(100);
  assert.equal(await queueLength(), 0);
  assert.ok(drawn.every((what) => what.startsWith('a cat ') && !what.endsWith(' 1')));
  await manager.streams.purge(RESULTS);
});

test('prompts are read where the batch is asked for, and every setting reaches the workers', {
  skip,
}, async () => {
  const asked: GenerateRequest[] = [];
  await startWorker([], async (request) => void asked.push(request));
  const style = { name: 'Ink', prompt: 'ink drawing of {prompt}', negativePrompt: 'colour' };
  const settings = { sigmas: 'karras', clipSkip: 2, stepPlan: 'FFdF' } as const;
  const folders = path.join(root, 'tool');
  await mkdir(path.join(folders, 'loras'), { recursive: true });
  await writeFile(path.join(folders, 'loras', 'some.safetensors'), 'x');
  const what = plan(['a {red|blue|green} cat', 'a dog <lora:some:1>'], 6);
  const batch = await openBatch({
    ...what,
    settings: { ...what.settings, ...settings, style, modelFolders: [folders] },
  });
  const { saved, failed } = await batch.run();
  assert.deepEqual(saved.map(({ item }) => item).sort(), [0, 1, 2, 3, 4, 5]);
  assert.equal(failed.length, 6);
  assert.match(failed[0]!.error, /Workers take no LoRA files and trained words for batches/);
  for (const { prompt, negativePrompt, sigmas, clipSkip, stepPlan } of asked) {
    assert.match(prompt, /^ink drawing of a (?:red|blue|green) cat$/);
    assert.deepEqual(
      { negativePrompt, sigmas, clipSkip, stepPlan },
      { negativePrompt: 'colour', ...settings },
    );
  }
  assert.ok(new Set(asked.map(({ prompt }) => prompt)).size > 1);
});

test('a folder keeps to its batch; a server without JetStream, or without room, is distinguished', {
  skip,
}, async () => {
  const batch = await openBatch(plan(['a cat'], 2), 'kept');
  const { items } = await batch.open();
  assert.deepEqual((await batch.open()).items, items);
  await assert.rejects(BatchFolder.open(batch.folder, plan(['a dog'], 2)), /contains a different batch/);
  const manifest = path.join(batch.folder, 'batch.json');
  const text = await readFile(manifest, 'utf8');
  await writeFile(manifest, text.replace('0001.png', '../../1.png'));
  await assert.rejects(batch.open(), /is not a batch of Patchwork/);
  await writeFile(manifest, text);
  const plain = await startServer();
  await assert.rejects(coordinate(await batch.open(), { url: plain.url }), /JetStream/);
  await plain.stop();
  const config = path.join(root, 'small.conf');
  await writeFile(config, `jetstream { store_dir: "${root}/small", max_file_store: 64MB }`);
  const small = await startServer('-c', config);
  await assert.rejects(coordinate(await batch.open(), { url: small.url }), /no room .* needs 1\.07 GB/);
  await small.stop();
});

function until(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(abortError()), { once: true });
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
