import assert from 'node:assert/strict';
import { test } from 'node:test';
import { savedShown } from './savedBenchmark.ts';

test('only names of runs come back from a page', () => {
  assert.deepEqual(savedShown({ version: 1, shown: ['a', 5, null, 'b'] }), ['a', 'b']);
  for (const saved of [undefined, null, 'x', {}, { shown: 'a' }]) assert.deepEqual(savedShown(saved), []);
});
