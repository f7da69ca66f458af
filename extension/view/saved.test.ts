import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_DRAFT } from '../../shared/viewProtocol.ts';
import { readSavedView } from './saved.ts';

test('reads what was saved', () => {
  const draft = { ...EMPTY_DRAFT, prompt: 'a tree', seed: '7' };
  const saved = { version: 2 as const, draft, filled: { ...draft, seed: '' }, shown: 'b' };
  assert.deepEqual(readSavedView(saved), saved);
});

test('keeps the prompt that an earlier version saved', () => {
  const saved = { version: 1, draft: { prompt: 'a tree', negativePrompt: '', seed: '' }, pictures: ['a'] };
  assert.equal(readSavedView(saved).draft.prompt, 'a tree');
});

test('takes nothing else', () => {
  const empty = { version: 2, draft: EMPTY_DRAFT, filled: EMPTY_DRAFT, shown: undefined };
  for (const bad of [undefined, null, 5, 'x', [], { draft: 3, filled: 'a', shown: {} }])
    assert.deepEqual(readSavedView(bad), empty);
});
