import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { answerOf, within } from './limited.ts';

const never = () => new Promise<never>(() => {});

test('a part that fails, or that does not end, gives its reason', async () => {
  assert.deepEqual(await within(10_000, async () => 7), { result: 7 });
  const fails = async () => {
    throw new Error('out of | memory\nat 0x0');
  };
  assert.deepEqual(await within(10_000, fails), { reason: 'out of / memory' });
  assert.deepEqual(await within(20, never), { reason: 'not done within 0.0 s' });
});

test('nothing is begun without time', async () => {
  assert.deepEqual(await within(0, () => assert.fail()), { reason: 'no time left' });
});

describe('a process of its own', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'limited-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function run(source: string, milliseconds = 60_000) {
    const script = path.join(folder, 'script.mjs');
    await writeFile(script, source);
    return within(milliseconds, (signal) => answerOf(script, ['argument'], signal));
  }

  test('answers, refuses or ends', async () => {
    assert.deepEqual(await run('process.send(process.argv[2]); setInterval(() => {}, 1000);'), {
      result: 'argument',
    });
    assert.deepEqual(await run("process.send({ error: 'too large' });"), { reason: 'too large' });
    assert.deepEqual(await run("process.kill(process.pid, 'SIGKILL');"), {
      reason: 'its process was ended by SIGKILL',
    });
  });

  test('is killed at the limit though it listens to nothing', async () => {
    const begun = performance.now();
    assert.match(JSON.stringify(await run('for (;;);', 300)), /not done within 0.3 s/);
    assert.ok(performance.now() - begun < 10_000);
  });
});
