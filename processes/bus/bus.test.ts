import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { createEngine } from '../../engine/engine.ts';
import { InputError, isAbort } from '../../engine/errors.ts';
import { EMBEDDED } from '../../engine/models/embedded.ts';
import { encodePng } from '../../engine/pictures/png.ts';
import type { Engine, GenerateRequest } from '../../shared/api.ts';
import { decibels, HOUSE } from '../../test/support/house.ts';
import { BusCrew } from './crew.ts';
import { noServer, startServer, type TestServer } from './testing/server.ts';
import { BusWorker } from './worker.ts';

const skip = noServer;
/** Milliseconds; long enough that a busy machine keeps to them. */
const QUICK = { mail: 2000, coordinator: 10_000 };

let server: TestServer;
let workers: BusWorker[] = [];
let engine: Engine;
let request: GenerateRequest;
let alone: Uint8Array;

const startWorker = (onLog?: (line: string) => void) =>
  BusWorker.start({ bus: { url: server.url }, models: [EMBEDDED], threads: 1, patience: QUICK, onLog });

before(async () => {
  if (skip) return;
  server = await startServer();
  workers = [await startWorker(), await startWorker()];
  engine = createEngine(new NodeBackend(), {
    connect: (bus) => BusCrew.connect(bus, { resend: 2000, silence: 10_000 }),
  });
  request = { ...HOUSE, bus: { url: server.url } };
  alone = (await engine.generate({ ...request, bus: undefined })).picture.png;
});

after(async () => {
  await engine?.dispose();
  for (const worker of workers) await worker.stop();
  await server?.stop();
});

test('two workers found on the bus draw the picture, a branch of guidance each', { skip }, async () => {
  const { picture, workers: report, warnings } = await engine.generate(request);
  assert.deepEqual(warnings, []);
  assert.equal(report!.length, 2);
  // Where one is measured to be much slower than the other, they take bands instead.
  const isSplit = report!.every(({ branch }) => branch !== null);
  assert.ok((await decibels(picture.png, alone)) > (isSplit ? 60 : 18));
});

for (const coding of ['float32', 'float16', 'residual'] as const)
  test(`bands exchange features over the bus as ${coding}`, { skip }, async () => {
    const {
      picture,
      workers: report,
      warnings,
    } = await engine.generate({
      ...request,
      patch: { split: 'bands', coding },
    });
    assert.deepEqual(warnings, []);
    assert.ok((await decibels(picture.png, alone)) > 18);
    assert.ok(report!.every(({ receivedBytes }) => receivedBytes > 0));
  });

test('an edit is divided over workers of the bus; what they recorded serves the next one', {
  skip,
}, async () => {
  const side = 256;
  const mask = await encodePng(
    Float32Array.from({ length: 3 * side * side }, (_, i) => (i % side > 96 && i % side < 200 ? 1 : -1)),
    side,
    side,
  );
  const numerics = { threads: 1, precision: 'fp32' as const };
  const edit = { prompt: 'a blue boat', image: alone, mask, seed: 2, steps: 6, ...numerics };
  const one = await engine.edit(edit);
  const shared = { ...edit, bus: request.bus, patch: { split: 'bands' as const } };
  const two = await engine.edit(shared);
  assert.deepEqual(two.warnings, []);
  assert.equal(two.workers!.length, 2);
  assert.ok(two.workers!.every(({ receivedBytes }) => receivedBytes > 0));
  assert.equal(two.recordedSteps, two.stepSeconds.length);
  assert.ok((await decibels(two.picture.png, one.picture.png)) > 18);
  const exact = { ...shared.patch, mode: 'synchronous' as const, coding: 'float32' as const };
  const three = await engine.edit({ ...shared, patch: exact });
  assert.ok((await decibels(three.picture.png, one.picture.png)) > 60);
  assert.equal((await engine.edit({ ...shared, seed: 3 })).recordedSteps, 0);
});

/** Repeats, delays or drops the messages to a worker. */
function disturb(worker: BusWorker, disturbance: (publish: () => void, count: number) => void): () => void {
  const bus = worker.bus;
  const { publish } = bus;
  let count = 0;
  bus.publish = (subject, ...rest) => {
    if (!subject.endsWith('.mail')) return publish.call(bus, subject, ...rest);
    disturbance(() => publish.call(bus, subject, ...rest), count++);
  };
  return () => {
    bus.publish = publish;
  };
}

const DISTURBANCES: Record<string, (publish: () => void, count: number) => void> = {
  'a message lost is asked for again': (publish, count) => count !== 1 && publish(),
  'messages that come twice change nothing': (publish) => {
    publish();
    publish();
  },
  'a message from an old step changes nothing': (publish, count) => {
    publish();
    if (count === 1) setTimeout(publish, 300);
  },
};

for (const [name, disturbance] of Object.entries(DISTURBANCES))
  test(name, { skip }, async () => {
    const divided = { ...request, patch: { split: 'bands' as const, mode: 'displaced' as const } };
    const calm = await engine.generate(divided);
    const restore = disturb(workers[0]!, disturbance);
    try {
      const disturbed = await engine.generate(divided);
      assert.deepEqual(disturbed.warnings, []);
      // Bands follow measured speeds and may differ by a few rows from picture to picture.
      assert.ok((await decibels(disturbed.picture.png, calm.picture.png)) > 18);
    } finally {
      restore();
    }
  });

test('features that never come: the step is computed again, dense', { skip }, async () => {
  const restore = disturb(workers[0]!, (publish, count) => (count < 1 || count > 5) && publish());
  try {
    const result = await engine.generate({ ...request, patch: { split: 'bands' } });
    assert.match(result.warnings.join(), /was computed again: features of band \d did not come/);
    assert.ok((await decibels(result.picture.png, alone)) > 18);
  } finally {
    restore();
  }
});

test('cancelling frees the workers for the next picture', { skip }, async () => {
  const controller = new AbortController();
  const call = engine.generate(
    { ...request, steps: 150 },
    { signal: controller.signal, onProgress: ({ step }) => step === 2 && controller.abort() },
  );
  await assert.rejects(call, isAbort);
  for (let i = 0; i < 600 && workers.some(({ busy }) => busy); i++) await pause(100);
  const next = await engine.generate(request);
  assert.equal(next.workers!.length, 2);
});

test('rubbish on the bus disturbs no one', { skip }, async () => {
  const stranger = await connect({ servers: server.url.replace('nats://', '') });
  const subjects = workers.map(({ id }) => `patchwork.worker.${id}.call`);
  for (const subject of [...subjects, 'patchwork.job.x.mail'])
    for (const rubbish of ['', 'x', '\x05\x00\x00\x00{"a":', JSON.stringify({ call: 'begin' })])
      stranger.publish(subject, rubbish);
  await stranger.drain();
  assert.equal((await engine.generate(request)).workers!.length, 2);
});

test('a worker whose connection ends mid-picture: the other does the rest', { skip }, async () => {
  const third = await startWorker();
  let left: Promise<void> | undefined;
  const result = await engine.generate(
    { ...request, steps: 12, patch: { split: 'bands' } },
    {
      onProgress: ({ step }) => {
        if (step === 5) left ??= third.stop();
      },
    },
  );
  await left;
  assert.match(result.warnings.join(), /was lost; .* did the rest/);
  assert.ok((await decibels(result.picture.png, alone)) > 15);
});

test('a worker that is stopped while a job begins starts no process for it', { skip }, async () => {
  const log: string[] = [];
  const third = await startWorker((line) => log.push(line));
  const subscribe = third.bus.subscribe.bind(third.bus);
  let stopped: Promise<void> | undefined;
  third.bus.subscribe = (subject, options) => {
    if (subject.endsWith('.alive')) stopped ??= third.stop();
    return subscribe(subject, options);
  };
  const { warnings } = await engine.generate(request);
  await stopped;
  assert.match(warnings.join(), /did the rest/);
  assert.deepEqual(
    log.filter((line) => /started/.test(line)),
    [],
  );
});

test('workers of another model, or none, are distinguished', { skip }, async () => {
  const other = await startServer();
  await assert.rejects(
    engine.generate({ ...request, bus: { url: other.url } }),
    (error) => error instanceof InputError && /No worker on the bus can help/.test(error.message),
  );
  await other.stop();
  await assert.rejects(engine.generate({ ...request, bus: { url: 'nats://127.0.0.1:1' } }), InputError);
  await assert.rejects(engine.generate({ ...request, bus: { url: 'http://example.org' } }), InputError);
});

test('a worker ends the job of a coordinator that is silent', { skip }, async () => {
  const crew = await BusCrew.connect({ url: server.url });
  const lonely = createEngine(new NodeBackend(), { connect: async () => crew });
  const controller = new AbortController();
  let call: Promise<unknown> | undefined;
  await new Promise<void>((resolve) => {
    call = lonely.generate(
      { ...request, steps: 150 },
      {
        signal: controller.signal,
        onProgress: ({ step }) => {
          if (step < 2) return;
          // As if the coordinator's machine had gone: it sends nothing more, not even that the job is over.
          crew.bus.publish = () => {};
          resolve();
        },
      },
    );
    call.catch(() => {});
  });
  assert.ok(workers.some(({ busy }) => busy));
  for (let i = 0; i < 600 && workers.some(({ busy }) => busy); i++) await pause(100);
  assert.ok(workers.every(({ busy }) => !busy));
  controller.abort();
  await lonely.dispose();
  await assert.rejects(call!);
});

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
