import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { makeMailFolder } from './mail-folder.ts';

test('what a crew has left whose processes are gone is removed by the next one; what is in use stays', async () => {
  const memory = await mkdtemp(path.join(os.tmpdir(), 'mail-'));
  try {
    const mine = await makeMailFolder(memory, 0);
    assert.equal(path.dirname(mine), memory);
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    const left = mine.replace(`-${process.pid}-`, `-${gone}-`);
    const foreign = left.replace(/patchwork-\d+-/, 'patchwork-1-');
    await rename(await makeMailFolder(memory, 0), left);
    await mkdir(path.join(left, 'job'));
    await writeFile(path.join(left, 'job', '0-0-all'), 'x');
    await mkdir(foreign);
    await mkdir(path.join(memory, 'patchwork-x'));
    await makeMailFolder(memory, 0);
    assert.ok(!existsSync(left));
    for (const kept of [mine, foreign, path.join(memory, 'patchwork-x')]) assert.ok(existsSync(kept), kept);
  } finally {
    await rm(memory, { recursive: true });
  }
});

test('a memory folder that is small, or none, is not taken', async () => {
  for (const [memory, room] of [
    [os.tmpdir(), 2 ** 60],
    ['/nowhere', 0],
  ] as const) {
    const folder = await makeMailFolder(memory, room);
    assert.equal(path.dirname(folder), os.tmpdir());
    await rm(folder, { recursive: true });
  }
});
