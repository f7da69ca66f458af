import assert from 'node:assert/strict';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openWeights } from './folder.ts';
import { temporaryFolder } from './testing.ts';
import { writeSafetensors } from './write.ts';

const root = await temporaryFolder();

async function folderWith(files: Record<string, string | string[]>): Promise<string> {
  const folder = join(root, String(Math.random()));
  await mkdir(folder);
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    if (typeof content === 'string') await writeFile(file, content);
    else {
      const chunks = () => [new Uint8Array(4)];
      await writeSafetensors(
        file,
        content.map((tensor) => ({ name: tensor, dtype: 'F32', shape: [1], chunks })),
      );
    }
  }
  return folder;
}

const index = (map: unknown) => JSON.stringify({ metadata: {}, weight_map: map });
const names = async (folder: string) => [...(await openWeights(folder, 'model')).names()];

test('one file, its float16 variant, or shards with an index', async () => {
  assert.deepEqual(await names(await folderWith({ 'model.safetensors': ['a'], 'model.bin': 'x' })), ['a']);
  assert.deepEqual(await names(await folderWith({ 'model.fp16.safetensors': ['h'] })), ['h']);
  assert.deepEqual(
    await names(await folderWith({ 'model.safetensors': ['a'], 'model.fp16.safetensors': ['h'] })),
    ['a'],
  );
  const folder = await folderWith({
    'model.safetensors.index.json': index({ a: 'model-1.safetensors', b: 'model-2.safetensors' }),
    'model-1.safetensors': ['a'],
    'model-2.safetensors': ['b', 'unlisted'],
  });
  const source = await openWeights(folder, 'model');
  assert.deepEqual([...source.names()], ['a', 'b']);
  assert.equal(source.find('b')!.file, join(folder, 'model-2.safetensors'));
  assert.equal(source.find('unlisted'), undefined);
});

test('a file of PyTorch is read without being run where there is no other; missing weights are named', async () => {
  const fixtures = join(import.meta.dirname, '../../test/fixtures/pickles');
  const folder = await folderWith({});
  await copyFile(join(fixtures, 'plain.pt'), join(folder, 'pytorch_model.bin'));
  assert.ok((await names(folder)).includes('a.weight'));
  await copyFile(join(fixtures, 'evil.pt'), join(folder, 'pytorch_model.bin'));
  await assert.rejects(names(folder), /names "(posix|os)\.system".*nothing of it was run/);
  await assert.rejects(names(await folderWith({ 'pytorch_model.bin': 'x' })), /no file of PyTorch/);
  await assert.rejects(names(await folderWith({ 'config.json': '{}' })), /model\.safetensors is missing/);
  await assert.rejects(names(join(root, 'none')), /does not exist/);
});

test('an index that points out of its folder', async () => {
  const withIndex = async (text: string) =>
    names(await folderWith({ 'model.safetensors.index.json': text, 'a.safetensors': ['a'] }));
  await assert.rejects(withIndex('{'), /not valid JSON/);
  await assert.rejects(withIndex('null'), /no weight_map/);
  await assert.rejects(withIndex('{"weight_map":[]}'), /no weight_map/);
  await assert.rejects(withIndex(index({ a: 5 })), /"a" is not a file name/);
  await assert.rejects(
    withIndex(index({ b: 'a.safetensors' })),
    /"b" is in a\.safetensors, but it is not there/,
  );
  await assert.rejects(withIndex(index({ a: 'gone.safetensors' })), /gone\.safetensors does not exist/);
  for (const name of [
    '../a.safetensors',
    '/etc/passwd',
    'x/a.safetensors',
    '..',
    'a\\b.safetensors',
    'a.bin',
    'C:a.safetensors',
    '.safetensors',
  ]) {
    await assert.rejects(withIndex(index({ a: name })), /not a safetensors file of its folder/, name);
  }
});
