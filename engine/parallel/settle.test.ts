import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { CrewLostError, MemberLostError } from './job.ts';
import { settle } from './settle.ts';

test('parts whose workers are lost or stall are named, others are awaited', async () => {
  const never = new Promise(() => {});
  const lost = await settle(
    [Promise.resolve(), Promise.reject(new MemberLostError()), never],
    0.01,
    undefined,
  );
  assert.deepEqual([...lost.keys()], [1, 2]);
});

test('a call that is cancelled before it begins leaves no failure unheard', async () => {
  // An unhandled rejection would end the process.
  const later = setTimeout(5).then(() => Promise.reject(new CrewLostError('gone')));
  await assert.rejects(settle([later], 60, AbortSignal.abort()), { name: 'AbortError' });
  await setTimeout(20);
});
