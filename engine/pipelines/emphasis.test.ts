import assert from 'node:assert/strict';
import test from 'node:test';
import { strengthen } from './emphasis.ts';

test('a position moves from the empty prompt’s state, as far as its weight says', () => {
  const states = Float32Array.of(1, 2, 3, 4, 5, 6);
  strengthen(states, Float32Array.of(9, 9, 1, 2, 5, 0), Float32Array.of(1, 1.5, 0));
  assert.deepEqual([...states], [1, 2, 4, 5, 5, 0]);
});
