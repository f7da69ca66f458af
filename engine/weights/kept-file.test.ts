import assert from 'node:assert/strict';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { keptOrWritten } from './kept-file.ts';
import { temporaryFolder } from './testing.ts';

const cache = await temporaryFolder();
process.env.PATCHWORK_CACHE = cache;

test('a file that is gone while old ones are removed does not spoil the one that was made', async () => {
  const folder = path.join(cache, 'made');
  await mkdir(folder, { recursive: true });
  // Listed, but with no file behind it, as one that another process has just removed.
  await symlink(path.join(folder, 'nowhere'), path.join(folder, 'gone.safetensors'));
  const tensor = { name: 'a', dtype: 'F32' as const, shape: [1], chunks: () => [new Uint8Array(4)] };
  for (const key of ['one', 'two', 'three']) await keptOrWritten({ folder: 'made', key, most: 2 }, [tensor]);
  const left = (await readdir(folder)).filter((name) => name !== 'gone.safetensors');
  assert.equal(left.length, 2);
  assert.ok(left.includes('three.safetensors'));
});
