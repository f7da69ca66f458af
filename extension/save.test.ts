import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Uri } from 'vscode';
import { type SaveFileSystem, writeAtomically, writeUnderFreeName } from './save.ts';

const uri = (path: string): Uri =>
  ({ path, with: (change: { path: string }) => uri(change.path) }) as unknown as Uri;

/** A file system in memory; `fail` makes one method fail. */
function memory(files: Record<string, string> = {}, fail?: keyof SaveFileSystem) {
  const content = new Map(Object.entries(files));
  const check = (method: keyof SaveFileSystem) => {
    if (method === fail) throw new Error(`${method} failed`);
  };
  const fs = {
    async createDirectory() {
      check('createDirectory');
    },
    async stat({ path }: Uri) {
      if (!content.has(path)) throw new Error('not found');
    },
    async writeFile({ path }: Uri, bytes: Uint8Array) {
      content.set(path, Buffer.from(bytes).toString());
      check('writeFile');
    },
    async rename(from: Uri, to: Uri, { overwrite = false } = {}) {
      check('rename');
      if (!overwrite && content.has(to.path)) throw new Error('exists');
      content.set(to.path, content.get(from.path)!);
      content.delete(from.path);
    },
    async delete({ path }: Uri) {
      if (!content.delete(path)) throw new Error('not found');
    },
  };
  return { fs: fs as unknown as SaveFileSystem, content };
}

const bytes = Buffer.from('new');

test('writes under the first free name', async () => {
  const { fs, content } = memory({ '/w/a.png': 'old' });
  const written = await writeUnderFreeName(fs, uri('/w'), ['a.png', 'a-2.png', 'a-3.png'], bytes);
  assert.equal(written.path, '/w/a-2.png');
  assert.deepEqual(Object.fromEntries(content), { '/w/a.png': 'old', '/w/a-2.png': 'new' });
});

test('never overwrites unless asked to', async () => {
  const { fs, content } = memory({ '/w/a.png': 'old' });
  await assert.rejects(writeAtomically(fs, uri('/w/a.png'), bytes), /exists/);
  assert.deepEqual(Object.fromEntries(content), { '/w/a.png': 'old' });
  await writeAtomically(fs, uri('/w/a.png'), bytes, { overwrite: true });
  assert.deepEqual(Object.fromEntries(content), { '/w/a.png': 'new' });
});

for (const method of ['writeFile', 'rename', 'createDirectory'] as const) {
  test(`leaves nothing behind when ${method} fails`, async () => {
    const { fs, content } = memory({}, method);
    await assert.rejects(writeUnderFreeName(fs, uri('/w'), ['a.png'], bytes), new RegExp(method));
    assert.equal(content.size, 0);
  });
}
