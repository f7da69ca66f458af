import assert from 'node:assert/strict';
import test from 'node:test';
import { stretchesOf, type TrainedWords } from './trained-words.ts';

const words: TrainedWords = { bare: ['', 'Cat', 'my cat'], idsOf: () => [-1] };
const read = (text: string) => stretchesOf(text, words, new Set());

test('words in either case, the longest first, and not within other words', () => {
  assert.deepEqual(read('a MY CAT, scatter'), [{ text: 'a ' }, { ids: [-1] }, { text: ', scatter' }]);
  assert.deepEqual(read(''), [{ text: '' }]);
});

test('signs whose lower case is longer keep what is around a word', () => {
  assert.deepEqual(read('İİ cat in İzmir'), [{ text: 'İİ ' }, { ids: [-1] }, { text: ' in İzmir' }]);
});
