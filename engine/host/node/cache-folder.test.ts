import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import { cacheFolder } from './cache-folder.ts';

const root = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
const names = ['PATCHWORK_CACHE', 'XDG_CACHE_HOME', 'TMPDIR'];
const saved = names.map((name) => [name, process.env[name]] as const);
const restore = () => {
  for (const [name, value] of saved)
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
};
afterEach(restore);
after(() => rm(root, { recursive: true }));

/** An environment with a file in place of the usual folder, below which not even root can make a folder. */
async function withoutCustomary(name: string): Promise<string> {
  delete process.env.PATCHWORK_CACHE;
  process.env.XDG_CACHE_HOME = path.join(root, `${name}.file`);
  await writeFile(process.env.XDG_CACHE_HOME, '');
  process.env.TMPDIR = path.join(root, `${name}.tmp`);
  await mkdir(process.env.TMPDIR);
  return path.join(process.env.TMPDIR, `patchwork-cache-${process.getuid!()}`);
}

const skip = process.platform !== 'linux' && 'by the custom of Linux';

test('the folder that the environment names, else the usual one; a relative path does not count', {
  skip,
}, () => {
  process.env.PATCHWORK_CACHE = path.join(root, 'chosen');
  assert.equal(cacheFolder(), path.join(root, 'chosen'));
  process.env.PATCHWORK_CACHE = '~/chosen';
  assert.equal(cacheFolder(), path.join(os.homedir(), 'chosen'));
  delete process.env.PATCHWORK_CACHE;
  process.env.XDG_CACHE_HOME = path.join(root, 'cache');
  assert.equal(cacheFolder(), path.join(root, 'cache', 'patchwork'));
  process.env.XDG_CACHE_HOME = 'cache';
  assert.ok(!cacheFolder().startsWith(process.cwd()));
});

test('where it cannot be written, one of this user alone takes its place', { skip }, async () => {
  const own = await withoutCustomary('own');
  assert.equal(cacheFolder(), own);
  assert.equal((await stat(own)).mode & 0o777, 0o700);
});

test('a folder that others may have prepared is not taken', { skip }, async () => {
  const open = await withoutCustomary('open');
  await mkdir(open);
  await chmod(open, 0o777);
  assert.equal(cacheFolder(), path.join(process.env.XDG_CACHE_HOME!, 'patchwork'));
  const link = await withoutCustomary('link');
  await symlink(root, link);
  assert.equal(cacheFolder(), path.join(process.env.XDG_CACHE_HOME!, 'patchwork'));
});
