import assert from 'node:assert/strict';
import test from 'node:test';
import { wholeCutting } from '../execution/bands/bands.ts';
import { divide } from './layout.ts';

const extent = { height: 64, width: 64 };
const shape = (speeds: number[], batch: number, split: 'auto' | 'bands' = 'auto') =>
  divide(speeds, batch, wholeCutting(extent, 4), split).parts.map(({ worker, branch, bands, index }) => [
    worker,
    branch,
    bands.edges[0]!.slice(index, index + 2),
  ]);

test('two workers take a branch of guidance each', () => {
  assert.deepEqual(shape([1, 1], 2), [
    [0, 0, [0, 64]],
    [1, 1, [0, 64]],
  ]);
});

test('four workers: two branches in two bands', () => {
  assert.deepEqual(shape([1, 1, 1, 1], 2), [
    [0, 0, [0, 32]],
    [2, 0, [32, 64]],
    [1, 1, [0, 32]],
    [3, 1, [32, 64]],
  ]);
});

test('without guidance, or if the user asks for it, all workers take bands', () => {
  for (const parts of [shape([1, 1], 1), shape([1, 1], 2, 'bands')])
    assert.deepEqual(parts, [
      [0, undefined, [0, 32]],
      [1, undefined, [32, 64]],
    ]);
});

test('three like workers take bands of both branches, since groups would be uneven', () => {
  assert.deepEqual(
    shape([1, 1, 1], 2).map(([, branch]) => branch),
    [undefined, undefined, undefined],
  );
});

test('a fast and two slow workers make two even groups; bands are as wide as workers are fast', () => {
  assert.deepEqual(shape([1, 3, 2], 2), [
    [1, 0, [0, 64]],
    [0, 1, [0, 21]],
    [2, 1, [21, 64]],
  ]);
});

test('workers beyond the rows of the coarsest level have no part, the slowest first', () => {
  const parts = divide([1, 2, 2, 2], 1, wholeCutting({ height: 16, width: 24 }, 4), 'auto').parts;
  assert.deepEqual(
    parts.map(({ worker }) => worker),
    [1, 2, 3],
  );
});
