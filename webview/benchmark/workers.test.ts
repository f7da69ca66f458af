import assert from 'node:assert/strict';
import { test } from 'node:test';
import { part } from '../../shared/benchmark/testing.ts';
import { bandsOf, partTitle } from './workers.ts';

test('bands in reading order, in shares of the side', () => {
  const parts = [part({ name: 'Worker 2', from: 24, to: 64 }), part({ name: 'Worker 1', from: 0, to: 24 })];
  assert.deepEqual(bandsOf(parts), [
    { from: 0, to: 0.375, workers: ['Worker 1'] },
    { from: 0.375, to: 1, workers: ['Worker 2'] },
  ]);
});

test('workers of two branches share a band', () => {
  const parts = [0, 1].map((branch) => part({ name: `Worker ${branch + 1}`, branch }));
  assert.deepEqual(bandsOf(parts), [{ from: 0, to: 1, workers: ['Worker 1', 'Worker 2'] }]);
  assert.deepEqual(parts.map(partTitle), ['prompt, rows 0 to 63', 'negative prompt, rows 0 to 63']);
});
