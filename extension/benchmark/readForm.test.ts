import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BenchmarkDraft } from '../../shared/benchmark/protocol.ts';
import { FIRST_DRAFT } from '../../shared/benchmark/protocol.ts';
import { requestOf, subjectOf } from './readForm.ts';

const FILE = Uint8Array.of(1, 2, 3);
const DRAWN = Uint8Array.of(4);

const TAKEN = { masked: true, shared: false };

const SOURCE = {
  readFile: async () => FILE,
  readShipped: async (name: string) => new TextEncoder().encode(name),
};

const request = (change: Partial<BenchmarkDraft>, drawn?: Uint8Array) =>
  requestOf({ ...FIRST_DRAFT, ...change }, TAKEN, { ...SOURCE, drawn });

test('an untouched form asks for dense and sparse runs of the embedded model', async () => {
  assert.deepEqual(await request({}), {
    cases: ['dense', 'sparse'],
    precisions: ['fp32'],
    masks: [{ name: '5 %', share: 0.05 }],
    repeat: 5,
    profile: true,
    isolate: true,
  });
});

test('devices that are compared, in a fixed order; without any, none is asked for', async () => {
  assert.deepEqual((await request({ devices: ['webgpu', 'cpu', 'toaster'] })).devices, ['cpu', 'webgpu']);
  assert.equal('devices' in (await request({})), false);
});

test('where only EfficientViT runs, no other model is asked for', async () => {
  const draft = {
    model: 'sd15',
    size: '512x512',
    cases: ['encode', 'segment'],
    segmenter: 'efficientvit-sam-l0',
  };
  const { model, width, segmenter } = await request(draft);
  assert.deepEqual([model, width, segmenter], [undefined, undefined, 'efficientvit-sam-l0']);
});

test('masks come from a share, the canvas or a file', async () => {
  assert.deepEqual((await request({ share: '12.5' })).masks, [{ name: '12.5 %', share: 0.125 }]);
  assert.deepEqual((await request({ maskKind: 'drawn' }, DRAWN)).masks, [{ name: 'drawn', image: DRAWN }]);
  const file = await request({ maskKind: 'file', maskFile: '/masks/boat.v2.png' });
  assert.deepEqual(file.masks, [{ name: 'boat.v2', image: FILE }]);
  const unmasked = await requestOf(FIRST_DRAFT, { ...TAKEN, masked: false }, SOURCE);
  assert.deepEqual(unmasked.masks, []);
});

test("SIGE's masks come with the extension", async () => {
  const { masks } = await request({ maskKind: 'sige' });
  assert.deepEqual(
    masks!.map((mask) => [mask.name, 'image' in mask && new TextDecoder().decode(mask.image)]),
    ['inpaint', 'img2img-0', 'img2img-1'].map((name) => [name, `${name}.active-64x128.png`]),
  );
});

test('model and size', () => {
  const subject = (change: Partial<BenchmarkDraft>) => subjectOf({ ...FIRST_DRAFT, ...change });
  assert.deepEqual(subject({ model: 'sd15', size: ' 1024 × 512 ' }), {
    model: 'sd15',
    width: 1024,
    height: 512,
  });
  assert.deepEqual(subject({ model: 'folder', folder: '/models/a' }), { model: '/models/a' });
  assert.throws(() => subject({ model: 'folder' }), /Choose a model folder/);
  assert.throws(() => subject({ size: 'large' }), /like 512x512.*large/);
});

test('workers and threads', async () => {
  const taken = { masked: false, shared: true };
  const shared = (change: Partial<BenchmarkDraft>) => requestOf({ ...FIRST_DRAFT, ...change }, taken, SOURCE);
  assert.deepEqual((await shared({})).workers, [2]);
  const { workers, threads } = await shared({ workers: ' 2, 4 8', threads: '1' });
  assert.deepEqual([workers, threads], [[2, 4, 8], 1]);
  assert.ok(!('threads' in (await shared({}))), 'the setting must not be hidden');
  await assert.rejects(shared({ workers: ' ' }), /enter how many/);
  await assert.rejects(shared({ workers: '2, many' }), /Workers must be a whole number from 1 to 64/);
});

test('whole pictures', async () => {
  const { whole } = await request({ scope: 'whole', steps: '8', prompt: ' a house ' });
  assert.deepEqual(whole, { prompt: 'a house', editPrompt: 'a blue boat', steps: 8 });
});

test('what is missing or wrong is named', async () => {
  await assert.rejects(request({ cases: [] }), /at least one mode/);
  await assert.rejects(request({ share: '0' }), /Mask area: enter more than 0 and at most 100 %/);
  await assert.rejects(request({ precisions: [] }), /at least one precision/);
  for (const threads of ['-1', '1.5', '100000'])
    await assert.rejects(request({ threads }), /Threads: enter a whole number, 0 \(automatic\) to 1024/);
  assert.equal((await request({ threads: '0' })).threads, 0);
  await assert.rejects(request({ maskKind: 'drawn' }), /Draw a mask/);
  await assert.rejects(request({ maskKind: 'file' }), /Choose a mask file/);
  await assert.rejects(request({ repeat: '0' }), /from 1 to 1000/);
  await assert.rejects(request({ scope: 'whole', steps: '1.5' }), /from 1 to 150/);
  await assert.rejects(request({ scope: 'whole', prompt: '' }), /Enter a prompt/);
});
