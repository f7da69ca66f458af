import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { codeOf } from '../../files.ts';
import { fs, mount } from './fs.ts';
import { MemoryStore } from './memory-store.ts';
import { ResourceStore } from './resource-store.ts';

before(() => {
  mount('/data', new MemoryStore());
  mount(
    '/models',
    new ResourceStore(() => Promise.reject(new Error('no such server')), { 'a/b.json': 3, 'c.json': 2 }),
  );
});

const text = async (file: string) => {
  const parts: Uint8Array[] = [];
  for await (const chunk of fs.chunks(file)) parts.push(chunk);
  return Buffer.concat(parts).toString();
};

test('files are written in one piece, appended to, moved, listed and removed', async () => {
  await fs.mkdir('/data/x/y');
  await fs.writeAtomically('/data/x/y/one', async (writer) => {
    await writer.write('hello ');
    await writer.write(new TextEncoder().encode('there'));
  });
  assert.equal(await text('/data/x/y/one'), 'hello there');
  await fs.append('/data/x/y/one', 5, (writer) => writer.write('!'));
  assert.equal(await text('/data/x/y/one'), 'hello!');
  await fs.copy('/data/x/y/one', '/data/x/two');
  await fs.rename('/data/x/y/one', '/data/x/three');
  assert.deepEqual((await fs.walk('/data')).sort(), ['x/three', 'x/two']);
  assert.deepEqual((await fs.readdir('/data/x')).sort(), ['three', 'two', 'y']);
  const into = new Uint8Array(3);
  assert.equal(await fs.open('/data/x/two', (reader) => reader.read(into, 4)), 2);
  await fs.remove('/data/x');
  assert.equal(await fs.exists('/data/x/two'), false);
});

test('what fails leaves nothing behind', async () => {
  await fs.mkdir('/data/z');
  await assert.rejects(
    fs.writeAtomically('/data/z/file', async (writer) => {
      await writer.write('half');
      throw new Error('cut');
    }),
    /cut/,
  );
  assert.deepEqual(await fs.readdir('/data/z'), []);
});

test('errors carry the codes that callers look at', async () => {
  const codeFrom = (promise: Promise<unknown>) => promise.then(() => 'none', codeOf);
  assert.equal(await codeFrom(fs.stat('/data/nothing')), 'ENOENT');
  assert.equal(await codeFrom(fs.stat('/elsewhere/nothing')), 'ENOENT');
  assert.equal(await codeFrom(fs.open('/models/a', async () => 1)), 'EISDIR');
  assert.equal(await codeFrom(fs.readdir('/models/c.json')), 'ENOTDIR');
  assert.equal(await codeFrom(fs.mkdir('/models/new')), 'EROFS');
  await assert.rejects(fs.checkWritable('/models/new'), /Cannot write \/models\/new: the disk is read-only/);
});

test('the files of the extension are known by the list of the build', async () => {
  assert.deepEqual((await fs.walk('/models')).sort(), ['a/b.json', 'c.json']);
  assert.equal((await fs.stat('/models/a')).isDirectory(), true);
  assert.equal((await fs.stat('/models/a/b.json')).size, 3);
  await assert.rejects(
    fs.open('/models/c.json', async () => 1),
    /could not be loaded.*Reload the window/,
  );
});
