import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unknownWarnings } from '../../engine/text/known-words.ts';
import { outcomeOf } from './outcome.ts';

const words = ['a', 'red', 'house'];
const edit = { changed: true, model: 'scenes', prompt: 'a red dog', words };

test('unknown words that stand below Apply are not said a second time', () => {
  const warnings = [...unknownWarnings(words, 'scenes', edit.prompt), 'The prompt was cut.'];
  assert.equal(warnings[0], 'Scenes does not know: dog.');
  assert.equal(outcomeOf({ ...edit, warnings }), 'Edit applied. The prompt was cut.');
});

test('where the page does not name them they are said', () => {
  const warnings = unknownWarnings(words, 'scenes', edit.prompt);
  assert.equal(
    outcomeOf({ ...edit, changed: false, words: undefined, warnings }),
    'The edit changed no pixel. Scenes does not know: dog.',
  );
});
