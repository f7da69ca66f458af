import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSavedView } from './savedView.ts';

test('reads what was saved', () => {
  const saved = {
    version: 1 as const,
    draft: { prompt: 'a tree', negativePrompt: '', seed: '7' },
    pictures: ['a', 'b'],
    shown: 'b',
  };
  assert.deepEqual(readSavedView(saved), saved);
});

test('takes nothing else', () => {
  const empty = {
    version: 1,
    draft: { prompt: '', negativePrompt: '', seed: '' },
    pictures: [],
    shown: undefined,
  };
  for (const bad of [
    undefined,
    null,
    5,
    'x',
    [],
    { draft: 3, pictures: 'a', shown: {} },
    { pictures: [1, null] },
  ]) {
    assert.deepEqual(readSavedView(bad), empty);
  }
});
