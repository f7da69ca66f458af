import assert from 'node:assert/strict';
import test from 'node:test';
import { clicked, without } from './selection.ts';

const all = ['a', 'b', 'c', 'd'];
const plain = { ctrlKey: false, metaKey: false, shiftKey: false };
const ctrl = { ...plain, ctrlKey: true };
const shift = { ...plain, shiftKey: true };

test('a click selects one, another click on it none', () => {
  assert.deepEqual(clicked(all, ['a', 'b'], 'c', plain), ['c']);
  assert.deepEqual(clicked(all, ['c'], 'c', plain), []);
});

test('Ctrl adds and takes away', () => {
  assert.deepEqual(clicked(all, ['a'], 'c', ctrl), ['a', 'c']);
  assert.deepEqual(clicked(all, ['a', 'c'], 'a', ctrl), ['c']);
  assert.deepEqual(clicked(all, ['a'], 'c', { ...plain, metaKey: true }), ['a', 'c']);
});

test('Shift selects a range, in both directions, from the one clicked last', () => {
  assert.deepEqual(clicked(all, ['b'], 'd', shift).sort(), ['b', 'c', 'd']);
  const back = clicked(all, ['c'], 'a', shift);
  assert.deepEqual([...back].sort(), ['a', 'b', 'c']);
  assert.deepEqual(clicked(all, back, 'd', shift).sort(), ['c', 'd']);
  assert.deepEqual(clicked(all, [], 'b', shift), ['b']);
});

test('what is gone is not selected', () => {
  assert.deepEqual(without(['a', 'x'], all), ['a']);
});
