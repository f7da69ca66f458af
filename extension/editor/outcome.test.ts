import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingTwinWarning } from '../../engine/models/catalogue.ts';
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

test('a model that the page offers is not said in the words of the command line', () => {
  const missingTwin = 'owner/inpainting';
  const warnings = [missingTwinWarning('scenes', missingTwin), 'The prompt was cut.'];
  const once = { ...edit, warnings, missingTwin };
  assert.equal(outcomeOf(once), 'Edit applied. The prompt was cut.');
  assert.match(
    outcomeOf({ ...once, offered: true }),
    /^Edit applied\. The prompt was cut\. This model does not see/,
  );
});
