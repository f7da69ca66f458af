import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { createEngine } from '../../engine/engine.ts';
import { EMBEDDED } from '../../engine/models/embedded.ts';
import { temporaryFolder } from '../../engine/weights/testing.ts';
import type { Engine } from '../../shared/api.ts';
import { HOUSE } from '../../test/support/house.ts';
import { Turn } from '../devices/turn.ts';
import { BusCrew } from './crew.ts';
import { noServer, startServer, type TestServer } from './testing/server.ts';
import { BusWorker } from './worker.ts';

process.env.PATCHWORK_CACHE = await temporaryFolder();

const skip = process.platform === 'linux' ? noServer : 'elsewhere the device may be there';
let server: TestServer;
let worker: BusWorker;
let engine: Engine;
const log: string[] = [];

/** On Linux ONNX Runtime has no DirectML and computes on the processor instead. */
const DEVICE = 'dml';

before(async () => {
  if (skip) return;
  server = await startServer();
  worker = await BusWorker.start({
    bus: { url: server.url },
    models: [EMBEDDED],
    threads: 1,
    patience: { turn: 1000 },
    crew: { device: { id: DEVICE, findings: { name: 'none', wrong: [] } } },
    onLog: (line) => log.push(line),
  });
  engine = createEngine(new NodeBackend(), { connect: (bus) => BusCrew.connect(bus) });
});

after(async () => {
  await engine?.dispose();
  await server?.stop();
});

test('a worker takes its turn on a GPU, and is not used while another process computes there', {
  skip,
}, async () => {
  const lock = path.join(process.env.PATCHWORK_CACHE!, 'device-gpu.lock');
  const held: boolean[] = [];
  const request = { ...HOUSE, width: 64, height: 64, steps: 2, bus: { url: server.url } };
  const generate = () =>
    engine.generate(request, {
      onProgress: ({ step }) => {
        if (step === 1) held.push(existsSync(lock));
      },
    });
  await new Turn(undefined).during('gpu', undefined, async () => {
    await assert.rejects(generate(), /All workers were lost/);
    assert.match(log.join(), /computes for another window/);
    assert.equal(worker.busy, false);
  });
  assert.ok(!existsSync(lock));
  const { warnings } = await generate();
  assert.deepEqual(warnings, []);
  assert.ok(held.length > 0 && held.every(Boolean));
  await worker.stop();
  assert.ok(!existsSync(lock));
});
