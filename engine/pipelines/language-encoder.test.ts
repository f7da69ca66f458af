import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { writeCheckpoint } from '../../test/support/checkpoints.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { Components } from '../execution/components.ts';
import { DiffusionModel } from '../models/diffusion-model.ts';
import { temporaryFolder } from '../weights/testing.ts';
import { knownPrefix } from './known-prefix.ts';
import { LanguageEncoder } from './language-encoder.ts';

const folder = await temporaryFolder();
const place = path.join(folder, 'nitro-e');
await writeCheckpoint(place, 'nitro-e');
const model = await DiffusionModel.open(place);
const components = new Components(model, new NodeBackend(1), 1);
after(() => components.release());
const encoder = await LanguageEncoder.open(model, components);

test('a prompt is filled up to the length that the model reads; one that is too long is cut, and what is left out is said', async () => {
  const short = await encoder.encode(['A House ']);
  assert.deepEqual(short.states.dims, [1, 128, 8]);
  assert.deepEqual(short.warnings, []);
  const long = await encoder.encode([`${'house '.repeat(140)}zebra`]);
  assert.deepEqual(long.states.dims, [1, 128, 8]);
  assert.match(long.warnings.join(), /The prompt is too long; this part was left out: .*house zebra$/);
});

test('a prompt is encoded once, whatever its case', async () => {
  const first = await encoder.encode(['a lake', 'dark']);
  assert.ok(first.macs > 0);
  const again = await encoder.encode(['A Lake', 'dark']);
  assert.equal(again.macs, 0);
  assert.deepEqual(again.states.data, first.states.data);
  assert.notDeepEqual((await encoder.encode(['a sea', 'dark'])).states.data, first.states.data);
});

test('an instruction before all prompts is computed once, and prompts are encoded as without that', async (t) => {
  const place = path.join(folder, 'sana');
  await writeCheckpoint(place, 'sana');
  const sana = await DiffusionModel.open(place);
  const [own, whole] = [0, 1].map(() => new Components(sana, new NodeBackend(1), 1));
  // As on a backend without the form for it.
  t.mock.method(whole!, 'continued', async () => undefined);
  const [continued, plain] = [
    await LanguageEncoder.open(sana, own!),
    await LanguageEncoder.open(sana, whole!),
  ];
  const macs: number[] = [];
  for (const prompts of [['a red house'], ['a lake, a boat', 'blurry'], ['']]) {
    const [found, expected] = [await continued.encode(prompts), await plain.encode(prompts)];
    assert.deepEqual(found.states.dims, expected.states.dims);
    assert.deepEqual(found.mask, expected.mask);
    const most = (expected.states.data as Float32Array).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    for (const [i, value] of (found.states.data as Float32Array).entries())
      assert.ok(Math.abs(value - (expected.states.data[i] as number)) <= 1e-5 * most);
    macs.push(found.macs / expected.macs);
  }
  assert.equal(macs[0], 1);
  assert.ok(macs[1]! < 0.5 && macs[2]! < 0.5, `${macs}`);
  await Promise.all([own!.release(), whole!.release()]);
});

test('keys and values of an instruction are kept by what they are made of, and read where they are whole', async (t) => {
  process.env.PATCHWORK_CACHE = path.join(folder, 'cache');
  const sana = await DiffusionModel.open(path.join(folder, 'sana'));
  const own = new Components(sana, new NodeBackend(1), 1);
  t.mock.method(own, 'textIdentity', async (_: string, how: unknown) =>
    JSON.stringify(how).replace(/\W/g, ''),
  );
  const prefix = (...ids: number[]) => knownPrefix(own, 'text-encoder', ids, 'last_hidden_state');
  const made = await prefix(2, 5, 7);
  const kept = path.join(folder, 'cache', 'prefixes');
  const [file] = await readdir(kept);
  const runs = t.mock.method(own, 'continued');
  assert.deepEqual(await prefix(2, 5, 7), made);
  assert.equal(runs.mock.callCount(), 0);
  await prefix(2, 5);
  assert.equal(runs.mock.callCount(), 1);
  const bytes = await readFile(path.join(kept, file!));
  bytes[bytes.length - 40]! ^= 1;
  await writeFile(path.join(kept, file!), bytes);
  assert.deepEqual(await prefix(2, 5, 7), made);
  assert.equal(runs.mock.callCount(), 2);
  await own.release();
});
