import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { readPicture } from '../../engine/pictures/read.ts';
import { noServer, startServer } from '../../processes/bus/testing/server.ts';
import { BUNDLE, inTemporaryFolder, patchwork } from './patchwork.ts';

const SMALL = ['--size', '64x64', '--steps', '2', '--seed', '5', '--threads', '1'];

const picturesIn = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.endsWith('.png')).sort();

test('batch draws every prompt into a folder and continues with what is missing', () =>
  inTemporaryFolder(async (folder) => {
    const prompts = path.join(folder, 'prompts.txt');
    await writeFile(prompts, 'a red house by a lake\n\n  a tree at night \r\n');
    const out = path.join(folder, 'pictures');
    const args = ['batch', '--prompts', prompts, '--count', '2', '-o', out, ...SMALL, '--json'];
    const first = await patchwork(args);
    assert.equal(first.code, 0, first.stderr);
    assert.deepEqual(await picturesIn(out), ['0001.png', '0002.png', '0003.png', '0004.png']);
    const { recipe } = await readPicture(path.join(out, '0004.png'));
    assert.deepEqual([recipe?.prompt, recipe?.seed], ['a tree at night', 6]);
    await rm(path.join(out, '0003.png'));
    const second = await patchwork(args);
    const { pictures, before, failed } = JSON.parse(second.stdout);
    assert.deepEqual([pictures.length, before, failed.length], [1, 3, 0]);
    const other = await patchwork(['batch', 'a cat', '-o', out, ...SMALL]);
    assert.equal(other.code, 2);
    assert.match(other.stderr, /contains a different batch/);
  }));

test('batch refuses what it cannot draw in one sentence', () =>
  inTemporaryFolder(async (folder) => {
    const empty = path.join(folder, 'empty.txt');
    await writeFile(empty, '\n');
    for (const [args, sentence] of [
      [[], /Give a prompt/],
      [['--prompts', empty], /has no prompt/],
      [['--prompts', path.join(folder, 'none.txt')], /is missing/],
      [['a cat', '--detach'], /needs a bus/],
      [['a cat', '--bus', 'nats://127.0.0.1:1'], /Can't connect to the bus at 127\.0\.0\.1:1 \(/],
    ] as const) {
      const { code, stderr } = await patchwork(['batch', ...args, '-o', path.join(folder, 'out')]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, sentence);
    }
  }));

test('a batch over the bus outlives the one who asked for it', { skip: noServer }, () =>
  inTemporaryFolder(async (folder) => {
    const server = await startServer('-js', '-sd', path.join(folder, 'jetstream'));
    const worker = spawn(process.execPath, [BUNDLE, 'worker', '--bus', server.url, '--threads', '1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(worker.stdout, 'data');
      const out = path.join(folder, 'pictures');
      const args = ['batch', 'a red house', '--count', '4', '-o', out, ...SMALL, '--bus', server.url];
      const asking = spawn(process.execPath, [BUNDLE, ...args], { stdio: 'ignore' });
      while (asking.exitCode === null && !(await picturesIn(out).catch(() => [])).length)
        await new Promise((done) => setTimeout(done, 50));
      assert.equal(asking.exitCode, null, 'the batch is under way');
      asking.kill('SIGKILL');
      await once(asking, 'exit');
      const { code, stdout, stderr } = await patchwork([...args, '--json']);
      assert.equal(code, 0, stderr);
      const { pictures, before } = JSON.parse(stdout);
      assert.equal(pictures.length + before, 4);
      assert.ok(before >= 1);
      assert.equal((await picturesIn(out)).length, 4);
    } finally {
      worker.kill('SIGINT');
      if (worker.exitCode === null) await once(worker, 'exit');
      await server.stop();
    }
  }),
);
