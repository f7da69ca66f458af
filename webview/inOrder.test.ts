import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inOrder } from './inOrder.ts';

test('messages are handled in order, also after one that failed', async () => {
  const seen: string[] = [];
  await new Promise<void>((resolve) => {
    const take = inOrder<string>(
      async (message) => {
        if (message === 'slow') await sleep(5);
        if (message === 'broken') throw new Error('It is broken.');
        seen.push(message);
        if (message === 'last') resolve();
      },
      (error, message) => seen.push(`${message}: ${error}`),
    );
    for (const message of ['slow', 'broken', 'last']) take(message);
  });
  assert.deepEqual(seen, ['slow', 'broken: Error: It is broken.', 'last']);
});
