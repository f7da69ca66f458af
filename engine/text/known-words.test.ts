import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { embeddedModel } from '../models/embedded.ts';
import { readKnownWords, unknownWarnings } from './known-words.ts';
import { loadTokenizer } from './tokenizer.ts';

const folder = path.join(embeddedModel(), 'tokenizer');

test('every word that Scenes was taught is one token', async () => {
  const [words, tokenizer] = [await readKnownWords(folder), await loadTokenizer(folder)];
  assert.ok(words!.length > 100);
  for (const word of words!) assert.equal(tokenizer.tokens(word).length, 1, word);
});

test('says which words are not known, for models that list theirs', async () => {
  const words = await readKnownWords(folder);
  assert.deepEqual(unknownWarnings(words, 'scenes', 'a dog on a beach, photorealistic'), [
    'Scenes does not know: dog, photorealistic.',
  ]);
  assert.deepEqual(unknownWarnings(words, 'scenes', 'a cat on a beach'), []);
  assert.equal(
    await readKnownWords(path.join(import.meta.dirname, '../../test/fixtures/tokenizer')),
    undefined,
  );
  assert.deepEqual(unknownWarnings(undefined, 'sd15', 'a dog'), []);
});
