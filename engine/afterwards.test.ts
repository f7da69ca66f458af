import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Afterwards } from './afterwards.ts';

const IDLE = 20;

/** Work in parts, which ends early when its signal aborts. */
function parts(count: number) {
  const done: number[] = [];
  let begun = 0;
  const work = async (signal: AbortSignal) => {
    begun++;
    while (done.length < count) {
      await sleep(5, undefined, { signal });
      done.push(done.length);
    }
  };
  return { work, done, begun: () => begun };
}

test('work that gave way goes on when there is no call any more, until it is done', async () => {
  const afterwards = new Afterwards(IDLE);
  const { work, done, begun } = parts(3);
  afterwards.leave(work, () => true);
  await afterwards.settle();
  assert.ok(done.length < 3);
  // A second call follows before it has gone on.
  afterwards.resume();
  await afterwards.settle();
  const before = begun();
  afterwards.resume();
  await sleep(10 * IDLE);
  assert.equal(done.length, 3);
  assert.equal(begun(), before + 1);
  await afterwards.settle();
  afterwards.resume();
  await sleep(3 * IDLE);
  assert.equal(begun(), before + 1, 'it is done');
});

test('work does not go on after a call that left other work, or where it may not', async () => {
  const afterwards = new Afterwards(IDLE);
  const [first, second, third] = [parts(3), parts(1), parts(3)];
  afterwards.leave(first.work, () => true);
  await afterwards.settle();
  afterwards.leave(second.work);
  afterwards.resume();
  await sleep(5 * IDLE);
  assert.deepEqual([first.done.length, second.done.length], [0, 1]);
  afterwards.leave(third.work, () => false);
  await afterwards.settle();
  afterwards.resume();
  await sleep(5 * IDLE);
  assert.equal(third.done.length, 0);
});

test('work that must be done is done before the next call', async () => {
  const afterwards = new Afterwards(IDLE);
  let isDone = false;
  afterwards.leave(async () => {
    await sleep(5);
    isDone = true;
  });
  await afterwards.settle();
  assert.ok(isDone);
});
