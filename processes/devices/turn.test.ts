import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAbort } from '../../engine/errors.ts';
import { temporaryFolder } from '../../engine/weights/testing.ts';
import { Turn } from './turn.ts';

process.env.PATCHWORK_CACHE = await temporaryFolder();

const lockOf = (device: string) => path.join(process.env.PATCHWORK_CACHE!, `device-${device}.lock`);

/** Resolves when another turn has said that it waits. */
function waitingTurn(): { turn: Turn; waits: Promise<void> } {
  let turn!: Turn;
  const waits = new Promise<void>((resolve) => {
    turn = new Turn(() => resolve());
  });
  return { turn, waits };
}

test('a call that is cancelled while it waits leaves the others waiting', async () => {
  const first = new Turn(undefined);
  await first.enter('one');
  const { turn, waits } = waitingTurn();
  const [one, other] = [new AbortController(), new AbortController()];
  const told: string[] = [];
  const cancelled = assert.rejects(
    turn.enter('one', one.signal, () => told.push('one')),
    isAbort,
  );
  const late = turn.enter('one', other.signal, () => told.push('other'));
  await waits;
  const last = turn.enter('one', undefined, () => told.push('last'));
  assert.deepEqual(told, ['one', 'other', 'last'], 'each is told once that it waits');
  one.abort();
  await cancelled;
  await first.pause();
  await first.leave();
  await Promise.all([late, last]);
  assert.ok(!turn.isIdle);
  await turn.enter('one', undefined, () => assert.fail('the turn is here'));
  for (let call = 0; call < 3; call++) await turn.pause();
  await turn.leave();
});

test('every call that waits can be cancelled; then no turn is taken any more', async () => {
  const first = new Turn(undefined);
  await first.enter('other');
  const { turn, waits } = waitingTurn();
  const calls = [new AbortController(), new AbortController()];
  const cancelled = calls.map(({ signal }) => assert.rejects(turn.enter('other', signal), isAbort));
  await waits;
  for (const call of calls.toReversed()) call.abort();
  await Promise.all(cancelled);
  assert.ok(turn.isIdle);
  await first.pause();
  await first.leave();
  while (existsSync(lockOf('other'))) await sleep(20);
  const third = new Turn(undefined);
  await third.enter('other');
  await third.pause();
  await third.leave();
});

test('a turn for one thing ends with it, and the next follows without waiting', async () => {
  const { turn, waits } = waitingTurn();
  let waited = false;
  waits.then(() => {
    waited = true;
  });
  const run = async () => {
    assert.ok(existsSync(lockOf('third')));
    return 'done';
  };
  assert.equal(await turn.during('third', undefined, run), 'done');
  assert.ok(!existsSync(lockOf('third')));
  await assert.rejects(
    turn.during('third', undefined, () => Promise.reject(new Error('broken'))),
    /broken/,
  );
  assert.ok(!existsSync(lockOf('third')) && !waited);
});
