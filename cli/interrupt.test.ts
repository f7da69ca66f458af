import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import test from 'node:test';

/** A process that is interruptible and then runs `script`; it says `ready` when its first line is out. */
async function start(script: string) {
  const source = path.join(import.meta.dirname, 'interrupt.ts');
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      `import { interruptible } from ${JSON.stringify(source)};
       const signal = interruptible('a model');
       await new Promise((resolve) => setTimeout(resolve, 1000));
       console.log('ready');
       ${script}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  return { child, ended };
}

test('the first Ctrl-C aborts, and leaves the process to end as it likes', async () => {
  const { child, ended } = await start(
    "setInterval(() => {}, 1000); signal.addEventListener('abort', () => process.exit(7));",
  );
  child.kill('SIGINT');
  assert.deepEqual(await ended, [7, null]);
});

test('a command that is busy at the first Ctrl-C says when it ends, and how to end it at once', async () => {
  const { child, ended } = await start('for (;;);');
  child.kill('SIGINT');
  let said = '';
  for await (const part of child.stderr.setEncoding('utf8')) {
    said += part;
    if (said.includes('Press Ctrl-C again to end at once.')) break;
  }
  child.kill('SIGINT');
  assert.deepEqual(await ended, [null, 'SIGKILL']);
});

test('the second Ctrl-C ends a process whose thread is busy', async () => {
  const { child, ended } = await start('for (;;);');
  let over = false;
  void ended.then(() => {
    over = true;
  });
  for (let i = 0; i < 20 && !over; i++) {
    child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.deepEqual(await ended, [null, 'SIGKILL']);
});

test('a process that is done is not kept by what waits for Ctrl-C', async () => {
  const { ended } = await start('');
  assert.deepEqual(await ended, [0, null]);
});
