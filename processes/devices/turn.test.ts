import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAbort } from '../../engine/errors.ts';
import { temporaryFolder } from '../../engine/weights/testing.ts';
import { type Place, placeOf, Turn } from './turn.ts';

process.env.PATCHWORK_CACHE = await temporaryFolder();

const lockOf = (place: Place) => path.join(process.env.PATCHWORK_CACHE!, `device-${place}.lock`);

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
  await first.enter('gpu');
  const { turn, waits } = waitingTurn();
  const [one, other] = [new AbortController(), new AbortController()];
  const told: string[] = [];
  const cancelled = assert.rejects(
    turn.enter('gpu', one.signal, () => told.push('one')),
    isAbort,
  );
  const late = turn.enter('gpu', other.signal, () => told.push('other'));
  await waits;
  const last = turn.enter('gpu', undefined, () => told.push('last'));
  assert.deepEqual(told, ['one', 'other', 'last'], 'each is told once that it waits');
  one.abort();
  await cancelled;
  await first.pause();
  await first.leave();
  await Promise.all([late, last]);
  assert.ok(!turn.isIdle);
  await turn.enter('gpu', undefined, () => assert.fail('the turn is here'));
  for (let call = 0; call < 3; call++) await turn.pause();
  await turn.leave();
});

test('every call that waits can be cancelled; then no turn is taken any more', async () => {
  const first = new Turn(undefined);
  await first.enter('gpu');
  const { turn, waits } = waitingTurn();
  const calls = [new AbortController(), new AbortController()];
  const cancelled = calls.map(({ signal }) => assert.rejects(turn.enter('gpu', signal), isAbort));
  await waits;
  for (const call of calls.toReversed()) call.abort();
  await Promise.all(cancelled);
  assert.ok(turn.isIdle);
  await first.pause();
  await first.leave();
  while (existsSync(lockOf('gpu'))) await sleep(20);
  const third = new Turn(undefined);
  await third.enter('gpu');
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
    assert.ok(existsSync(lockOf('gpu')));
    return 'done';
  };
  assert.equal(await turn.during('gpu', undefined, run), 'done');
  assert.ok(!existsSync(lockOf('gpu')));
  await assert.rejects(
    turn.during('gpu', undefined, () => Promise.reject(new Error('broken'))),
    /broken/,
  );
  assert.ok(!existsSync(lockOf('gpu')) && !waited);
});

test('a GPU made of software takes turns apart from the cards', async () => {
  const [card, software] = [placeOf({}), placeOf({ software: true })];
  const first = new Turn(undefined);
  await first.during(card, undefined, async () => {
    await new Turn(undefined).during(software, undefined, async () => {
      assert.ok(existsSync(lockOf(card)) && existsSync(lockOf(software)));
    });
  });
  assert.ok(!existsSync(lockOf(card)) && !existsSync(lockOf(software)));
});
