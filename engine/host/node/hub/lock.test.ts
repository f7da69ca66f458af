import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, mock, test } from 'node:test';
import { withLock } from './lock.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-locks-'));
after(() => rm(folder, { recursive: true, force: true }));
const elsewhere = JSON.stringify({ host: 'another-machine', pid: 1, id: 'x' });
const ended = JSON.stringify({ host: os.hostname(), pid: 2 ** 22 + 1, id: 'x' });

/** Makes each look at a lock come this much later, in milliseconds. */
function hurry(step: number) {
  let time = 0;
  return mock.method(performance, 'now', () => {
    time += step;
    return time;
  });
}

for (const [what, content, ago, step] of [
  ['of another machine, with a time in the future', elsewhere, -3600, 20_000],
  ['of another machine, which renews it no more', elsewhere, 60, 0],
  ['of a process that has ended', ended, 0, 0],
  ['that was cut off while it was written', '{"host":', 0, 1500],
  ['that says something else', '[]', 0, 1500],
] as const)
  test(`a lock ${what} is taken over`, async () => {
    const file = path.join(folder, 'one.lock');
    await writeFile(file, content);
    const time = Date.now() / 1000 - ago;
    await utimes(file, time, time);
    const clock = hurry(step);
    try {
      assert.equal(await withLock(file, async () => 'mine'), 'mine');
    } finally {
      clock.mock.restore();
    }
    assert.deepEqual(await readdir(folder), []);
  });

test('a folder in the place of a lock locks nothing', async () => {
  const file = path.join(folder, 'two.lock');
  await mkdir(path.join(file, 'inner'), { recursive: true });
  assert.equal(await withLock(file, async () => 'mine'), 'mine');
  assert.deepEqual(await readdir(folder), []);
});

test('a pipe or a device in the place of a lock locks nothing', {
  skip: process.platform === 'win32',
}, async () => {
  const file = path.join(folder, 'two.lock');
  for (const make of [() => execFileSync('mkfifo', [file]), () => symlinkSync('/dev/zero', file)]) {
    make();
    assert.equal(await withLock(file, async () => 'mine'), 'mine');
    assert.deepEqual(await readdir(folder), []);
  }
});

test('a lock that is renewed is waited for, and waiting can be cancelled', async () => {
  const file = path.join(folder, 'three.lock');
  await writeFile(file, elsewhere);
  const controller = new AbortController();
  let looks = 0;
  const waiting = withLock(file, async () => 'mine', {
    signal: controller.signal,
    onWait: () => {
      if (++looks === 3) controller.abort();
    },
  });
  await assert.rejects(waiting, { name: 'AbortError' });
  assert.equal(await readFile(file, 'utf8'), elsewhere);
  await rm(file);
});
