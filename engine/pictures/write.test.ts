import assert from 'node:assert/strict';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { InputError } from '../errors.ts';
import { writeError } from '../files.ts';
import { checkWritable, writePicture } from './write.ts';

const folder = await mkdtemp(join(tmpdir(), 'patchwork-write-'));
after(() => rm(folder, { recursive: true }));
const picture = Uint8Array.of(1, 2, 3);

test('a file is written and replaced', async () => {
  const file = join(folder, 'new.png');
  await writePicture(file, picture);
  await writePicture(file, Uint8Array.of(9, 1, 2).subarray(1));
  assert.deepEqual([...(await readFile(file))], [1, 2]);
});

test('permissions stay', { skip: process.platform === 'win32' }, async () => {
  const file = join(folder, 'private.png');
  await writeFile(file, 'old', { mode: 0o600 });
  await chmod(file, 0o640);
  await writePicture(file, picture);
  assert.equal((await lstat(file)).mode & 0o777, 0o640);
});

test('a link stays a link', { skip: process.platform === 'win32' }, async () => {
  await writeFile(join(folder, 'target.png'), 'old');
  await symlink(join(folder, 'target.png'), join(folder, 'link.png'));
  await writePicture(join(folder, 'link.png'), picture);
  assert.ok((await lstat(join(folder, 'link.png'))).isSymbolicLink());
  assert.deepEqual([...(await readFile(join(folder, 'target.png')))], [1, 2, 3]);
});

test('targets that cannot be written are refused with the reason, and nothing is left', async () => {
  await mkdir(join(folder, 'folder.png'));
  await writeFile(join(folder, 'file'), '');
  const cases: [string, RegExp][] = [
    [join(folder, 'none', 'x.png'), /Cannot write .*x\.png: its folder does not exist\./],
    [join(folder, 'folder.png'), /it is a folder/],
    [join(folder, 'file', 'x.png'), /not a folder/],
    [join(folder, `${'x'.repeat(300)}.png`), /name is too long/],
  ];
  const before = await readdir(folder);
  for (const [file, message] of cases) {
    for (const attempt of [checkWritable, writePicture]) {
      const outcome = await attempt(file, picture).catch((error: unknown) => error);
      assert.ok(outcome instanceof InputError, String(outcome));
      assert.match(outcome.message, message);
    }
  }
  assert.deepEqual(await readdir(folder), before);
});

test('no permission', { skip: process.platform === 'win32' || process.getuid?.() === 0 }, async () => {
  const closed = join(folder, 'closed');
  await mkdir(closed);
  await chmod(closed, 0o500);
  await assert.rejects(writePicture(join(closed, 'x.png'), picture), /permission was denied/);
});

test('a full disk has a sentence of its own', () => {
  const error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  assert.equal(writeError('x.png', error).message, 'Cannot write x.png: the disk is full.');
});
