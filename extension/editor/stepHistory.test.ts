import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepHistory } from './stepHistory.ts';

test('lists the steps since the last save', () => {
  const history = new StepHistory<string>();
  for (const step of ['a', 'b']) history.add(step);
  history.saved();
  assert.deepEqual(history.unsaved, []);
  history.add('c');
  assert.deepEqual(history.unsaved, ['c']);
  history.undo('c');
  assert.deepEqual(history.unsaved, []);
  assert.deepEqual([history.canUndo, history.canRedo], [true, true]);
  history.redo('c');
  assert.deepEqual(history.unsaved, ['c']);
});

test('lists none once the saved state is out of reach', () => {
  const history = new StepHistory<string>();
  for (const step of ['a', 'b']) history.add(step);
  history.saved();
  history.undo('b');
  history.add('c');
  assert.deepEqual([history.unsaved, history.canRedo], [[], false]);
  history.saved();
  history.add('d');
  assert.deepEqual(history.unsaved, ['d']);
});

test('is empty after the file was loaded again', () => {
  const history = new StepHistory<string>();
  for (const step of ['a', 'b']) history.add(step);
  history.undo('b');
  history.clear();
  assert.deepEqual([history.canUndo, history.canRedo, history.unsaved], [false, false, []]);
});
