import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BenchmarkRemaining } from './remaining.ts';

const EXPECTED = { prepare: 40, measure: 20, compare: 0, profile: 0, isolate: 10 };

test('the time that is left is said from the first stage on, and follows what the stages take', () => {
  const remaining = new BenchmarkRemaining(EXPECTED);
  assert.equal(remaining.after({ stage: 'prepare', done: 0, total: 4 }, 100), 70);
  assert.equal(remaining.after({ stage: 'prepare', done: 0, total: 4 }, 110), 60, 'it counts down');
  // A quarter took twice as long as expected, so all else will.
  assert.equal(remaining.after({ stage: 'prepare', done: 1, total: 4 }, 120), 60 + 2 * 30);
  assert.equal(remaining.after({ stage: 'measure', done: 0, total: 5 }, 180), 2 * 30);
  assert.equal(remaining.after({ stage: 'measure', done: 5, total: 5 }, 200), 10);
  assert.equal(remaining.after({ stage: 'isolate', done: 2, total: 2 }, 210), undefined);
});

test('a small part that was quick does not take the time of the rest away', () => {
  const remaining = new BenchmarkRemaining({ ...EXPECTED, prepare: 1, isolate: 0 });
  remaining.after({ stage: 'prepare', done: 0, total: 2 }, 0);
  const left = remaining.after({ stage: 'prepare', done: 1, total: 2 }, 0.01)!;
  assert.ok(left > 15 && left < 20, String(left));
});

test('a stage that takes longer than expected never says that nothing is left', () => {
  const remaining = new BenchmarkRemaining(EXPECTED);
  remaining.after({ stage: 'prepare', done: 0, total: 4 }, 0);
  assert.equal(remaining.after({ stage: 'prepare', done: 0, total: 4 }, 500), 4 + 30);
});

test('an earlier run of the same corrects the prediction', () => {
  const remaining = new BenchmarkRemaining(EXPECTED, 140);
  assert.equal(remaining.after({ stage: 'prepare', done: 0, total: 4 }, 0), 140);
});

test('of weights that are written, whose time is not predicted, the own pace counts', () => {
  const remaining = new BenchmarkRemaining(EXPECTED);
  remaining.after({ stage: 'weights', done: 0, total: 100 }, 0);
  assert.equal(remaining.after({ stage: 'weights', done: 25, total: 100 }, 5), 15 + 70);
});
