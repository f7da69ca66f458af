/** Workers that break the protocol, and a server that ends. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Svcm } from '@nats-io/services';
import { connect } from '@nats-io/transport-node';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { createEngine } from '../../engine/engine.ts';
import { float32 } from '../../engine/graph/tensor.ts';
import { contentHash } from '../../engine/models/content-hash.ts';
import { EMBEDDED } from '../../engine/models/embedded.ts';
import { openModel } from '../../engine/models/open.ts';
import packageJson from '../../package.json' with { type: 'json' };
import type { Engine, GenerateRequest } from '../../shared/api.ts';
import { BusCrew } from './crew.ts';
import { receiveParcels, sendParcel } from './parcels.ts';
import { noServer, startServer, type TestServer } from './testing/server.ts';
import { MAX_CALL_BYTES, PROTOCOL, SERVICE } from './wire.ts';
import { BusWorker } from './worker.ts';

const skip = noServer;
const request: GenerateRequest = {
  prompt: 'a red house by a lake',
  seed: 1,
  steps: 2,
  width: 128,
  height: 128,
  threads: 1,
  patch: { warmUp: 2 },
};

let server: TestServer;
let honest: BusWorker;
let engine: Engine;

before(async () => {
  if (skip) return;
  server = await startServer();
  honest = await BusWorker.start({ bus: { url: server.url }, models: [EMBEDDED], threads: 1 });
  engine = createEngine(new NodeBackend(), {
    connect: (bus) => BusCrew.connect(bus, { resend: 2000, silence: 5000 }),
  });
});

after(async () => {
  await engine?.dispose();
  await honest?.stop();
  await server?.stop();
});

/** A worker that somebody else has written: it is found like any other, and answers whatever it likes. */
async function impostor(
  server: TestServer,
  answer: (call: { call: string; ask: string }) => { head?: object; body?: Uint8Array } | undefined,
): Promise<() => Promise<void>> {
  const bus = await connect({ servers: server.url.replace('nats://', '') });
  const worker = crypto.randomUUID();
  const service = await new Svcm(bus).add({
    name: SERVICE,
    version: packageJson.version,
    description: '',
    metadata: {
      worker,
      host: 'impostor\u001b[2J',
      protocol: String(PROTOCOL),
      models: JSON.stringify([await contentHash(await openModel(EMBEDDED))]),
    },
    queue: '',
  });
  service.addEndpoint('status', {
    subject: `patchwork.worker.${worker}.status`,
    handler: (_, message) => message.respond('{"busy":false}'),
  });
  const alive = setInterval(() => bus.publish(`patchwork.worker.${worker}.alive`), 500);
  receiveParcels(bus, `patchwork.worker.${worker}.call`, MAX_CALL_BYTES, ({ head }) => {
    const call = head as { call: string; ask: string; reply: string };
    const given = answer(call);
    if (given?.head) void sendParcel(bus, call.reply, { ask: call.ask, answer: given.head }, given.body);
  });
  return async () => {
    clearInterval(alive);
    await bus.drain();
  };
}

const figures = { runSeconds: 0.1, seconds: 0.1, sentBytes: 0, receivedBytes: 0, recordSeconds: 0 };
const begun = { head: { begun: 0 } };
const IMPOSTORS: Record<
  string,
  (call: { call: string }) => { head?: object; body?: Uint8Array } | undefined
> = {
  'answers nothing': () => undefined,
  'refuses without being lost': () => ({ head: { error: 'no', lost: false } }),
  'answers a step with the answer to another call': ({ call }) =>
    call === 'step' ? { head: { kept: true } } : begun,
  'answers a step without numbers': ({ call }) => (call === 'step' ? { head: figures } : begun),
  'answers a step with one number': ({ call }) =>
    call === 'step' ? { head: figures, body: new Uint8Array(4) } : begun,
  'answers a step with odd bytes': ({ call }) =>
    call === 'step' ? { head: figures, body: new Uint8Array(7) } : begun,
  'begins with bytes': () => ({ head: { begun: 0 }, body: new Uint8Array(8) }),
  'begins, and answers no step': ({ call }) => (call === 'begin' ? begun : undefined),
};
for (const [what, answer] of Object.entries(IMPOSTORS))
  test(`a worker that ${what} is given up by name; the honest one draws the image`, { skip }, async () => {
    const leave = await impostor(server, answer);
    try {
      const result = await engine.generate({ ...request, bus: { url: server.url } });
      assert.match(
        result.warnings.join(),
        /impostor\ufffd\[2J \(\w{4}\) was (lost|given up, since [^;]+); .* did the rest\./,
      );
    } finally {
      await leave();
    }
  });

test('where there is no honest worker, the error names the other', { skip }, async () => {
  const other = await startServer();
  try {
    for (const what of [
      'answers nothing',
      'refuses without being lost',
      'answers a step with one number',
    ] as const) {
      const leave = await impostor(other, IMPOSTORS[what]!);
      await assert.rejects(engine.generate({ ...request, bus: { url: other.url } }), /impostor/);
      await leave();
    }
  } finally {
    await other.stop();
  }
});

test('a server that ends is reported as such, and no worker is blamed', { skip }, async () => {
  const mortal = await startServer();
  const one = await BusWorker.start({ bus: { url: mortal.url }, models: [EMBEDDED], threads: 1 });
  const call = engine.generate(
    { ...request, bus: { url: mortal.url }, steps: 100 },
    { onProgress: ({ step }) => step === 2 && mortal.process.kill('SIGKILL') },
  );
  await assert.rejects(call, /^CrewLostError: The connection to the bus at 127\.0\.0\.1:\d+ was lost/);
  await one.stop();
});

test('a job larger than an image may be is refused before it begins', { skip }, async () => {
  const crew = await BusCrew.connect({ url: server.url });
  const [member] = await crew.members(1, undefined, EMBEDDED);
  const side = 512;
  const condition = { text: float32(new Float32Array(2 * 8 * 8), [2, 8, 8]), guidance: 3 };
  const bands = { height: side, width: side, axis: 'y', edges: [[0, side]] } as const;
  const common = { id: 'x', model: EMBEDDED, version: '', precision: 'fp32' } as const;
  const job = { ...common, condition, channels: 4, index: 0 };
  await assert.rejects(
    member!.begin({ ...job, bands: { ...bands, edges: [[0, side]] }, mode: 'displaced', coding: 'float32' }),
    /have at most 2048 pixels/,
  );
  await crew.dispose();
  assert.ok(!honest.busy);
});
