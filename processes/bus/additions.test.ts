import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { createEngine } from '../../engine/engine.ts';
import { InputError } from '../../engine/errors.ts';
import { EMBEDDED_CONTROL } from '../../engine/models/embedded.ts';
import { temporaryFolder } from '../../engine/weights/testing.ts';
import type { EditRequest, Engine, GenerateRequest } from '../../shared/api.ts';
import {
  writeCheckpoint,
  writeControlModels,
  writeLora,
  writeReferenceModel,
} from '../../test/support/checkpoints.ts';
import { decibels } from '../../test/support/house.ts';
import { AddedFiles, sentAdditions } from './additions.ts';
import { BusCrew } from './crew.ts';
import { noServer, startServer, type TestServer } from './testing/server.ts';
import { BusWorker } from './worker.ts';

const skip = noServer;
/** Files of the coordinator's machine, and copies of what workers need, elsewhere. */
const [here, there] = [await temporaryFolder(), await temporaryFolder()];
const files = async (folder: string) => {
  const model = path.join(folder, 'sd15');
  await writeCheckpoint(model, 'sd15');
  const lora = path.join(folder, `${path.basename(folder)}.safetensors`);
  await writeLora(lora);
  return { model, lora, ...(await writeControlModels(folder)), reference: await writeReferenceModel(folder) };
};
const [own, others] = [await files(here), await files(there)];
// They encode no image.
await rm(path.join(there, 'image_encoder'), { recursive: true });
await rm(others.adapter, { recursive: true });
const additions = { loras: [others.lora], controls: [others.controlNet], references: [others.reference] };

const grey = (value: number) => ({
  width: 64,
  height: 64,
  channels: 3 as const,
  data: new Uint8Array(3 * 64 * 64).fill(value),
});
const half = {
  width: 128,
  height: 128,
  channels: 1 as const,
  data: new Uint8Array(128 * 128).map((_, i) => (i % 128 < 48 && i > 4000 ? 255 : 0)),
};
const plain: GenerateRequest = {
  prompt: 'a house',
  model: own.model,
  seed: 3,
  steps: 3,
  width: 128,
  height: 128,
  guidance: 3,
  threads: 1,
};
const STEERED: Record<string, Partial<GenerateRequest>> = {
  'a ControlNet, a LoRA and a T2I-Adapter, whose file no worker has': {
    controls: [
      { image: grey(200), model: own.controlNet, guess: true },
      { image: grey(40), model: own.adapter, end: 0.7 },
    ] as never,
    loras: [{ lora: own.lora, strength: 0.8 }],
  },
  'an IP-Adapter, with a mask, and words that change on the way': {
    references: [
      { image: grey(90), strength: 0.6 },
      { image: grey(220), mask: half },
    ] as never,
    referenceModel: own.reference,
    prompt: 'a [red:blue:0.4] house',
  },
  'a region that has a prompt of its own': {
    regions: [{ prompt: 'a [lake:boat:0.4]', mask: half }] as never,
  },
};

let server: TestServer;
let workers: BusWorker[] = [];
let engine: Engine;
const startWorker = (more: object = {}) =>
  BusWorker.start({ bus: { url: server.url }, models: [others.model], threads: 1, ...more });

before(async () => {
  if (skip) return;
  server = await startServer();
  workers = [await startWorker({ additions }), await startWorker({ additions })];
  engine = createEngine(new NodeBackend(), { connect: (bus) => BusCrew.connect(bus) });
});
after(async () => {
  await engine?.dispose();
  for (const worker of workers) await worker.stop();
  await server?.stop();
});

const pixels = async (request: GenerateRequest) => (await engine.generate(request)).picture.png;

for (const [name, added] of Object.entries(STEERED))
  test(`workers of other machines draw with ${name}, as one process does`, { skip }, async () => {
    const request = { ...plain, ...added };
    const alone = await pixels(request);
    assert.ok((await decibels(alone, await pixels(plain))) < 60, 'it has an effect');
    for (const patch of [{}, { split: 'bands', mode: 'synchronous' }] as const) {
      const shared = await engine.generate({ ...request, bus: { url: server.url }, patch });
      assert.deepEqual(shared.warnings, []);
      assert.equal(shared.workers!.length, 2);
      assert.ok((await decibels(shared.picture.png, alone)) > 55, JSON.stringify(patch));
    }
  });

test('an edit with all of them over workers of other machines is that of one process', { skip }, async () => {
  const { width: _, height: __, ...drawing } = plain;
  const added: Partial<GenerateRequest> = Object.assign({}, ...Object.values(STEERED));
  const edit: EditRequest = { ...drawing, ...added, image: await pixels(plain), mask: half };
  const alone = await engine.edit(edit);
  const shared = await engine.edit({ ...edit, bus: { url: server.url } });
  assert.equal(shared.workers!.length, 2);
  assert.ok((await decibels(shared.picture.png, alone.picture.png)) > 55);
});

test('a worker without a file is not asked; if no other is left, it and the file are named', {
  skip,
}, async () => {
  const other = await startServer();
  const bus = { url: other.url };
  const bare = await startWorker({ bus });
  const ask = () => engine.generate({ ...plain, ...Object.values(STEERED)[0], bus });
  const name = path.basename(own.lora);
  await assert.rejects(ask(), (error) => {
    assert.ok(error instanceof InputError);
    assert.match(
      error.message,
      new RegExp(`\\(${bare.id.slice(0, 4)}\\) does not have ${name}, controlnet\\. `),
    );
    assert.match(error.message, /--lora, --control-model/);
    return true;
  });
  const whole = await startWorker({ bus, additions });
  assert.deepEqual(
    (await ask()).workers!.map((one) => one.name.includes(whole.id.slice(0, 4))),
    [true],
  );
  await whole.stop();
  await bare.stop();
  await other.stop();
});

test('files are named by their content; one that changes is not used', async () => {
  const references = { model: own.reference, groups: [{ masked: false }] };
  const { sent, names } = await sentAdditions({
    loras: [{ lora: own.lora, strength: 1 }],
    controls: [own.adapter, own.controlNet],
    references,
  });
  const added = await AddedFiles.open(additions);
  assert.ok([...names.keys()].every((hash) => added.hashes.includes(hash)));
  assert.deepEqual(await added.placesOf(sent!), {
    loras: [{ lora: others.lora, strength: 1 }],
    controls: [others.controlNet],
    features: 4,
    references: { model: others.reference, groups: references.groups },
  });
  const outlines = (await sentAdditions({ controls: [EMBEDDED_CONTROL] })).sent!;
  assert.deepEqual((await (await AddedFiles.open({})).placesOf(outlines)).controls, [EMBEDDED_CONTROL]);
  assert.deepEqual(await sentAdditions({ parts: { vae: 'x' } }), { sent: undefined, names: new Map() });
  await writeLora(others.lora, { changed: 'yes' });
  await assert.rejects(added.placesOf(sent!), /has changed since this worker started/);
  await assert.rejects((await AddedFiles.open({})).placesOf(sent!), /does not have a file/);
  const wrong = path.join(there, 'wrong.safetensors');
  await writeFile(wrong, 'x');
  for (const list of ['loras', 'controls', 'references'])
    await assert.rejects(AddedFiles.open({ [list]: [wrong] }), /wrong\.safetensors/, list);
});
