import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { hasNoWords, unknownWords } from './vocabulary.ts';

const file = path.join(import.meta.dirname, '../media/models/scenes/tokenizer/words.json');
const words: string[] = JSON.parse(readFileSync(file, 'utf8'));
const unknown = (prompt: string) => unknownWords(words, prompt);

test('names what Scenes was not taught, in the order and spelling of the prompt', () => {
  assert.deepEqual(unknown('a dog riding a skateboard in New York, photorealistic'), [
    'dog',
    'riding',
    'skateboard',
    'New York',
    'photorealistic',
  ]);
  assert.deepEqual(unknown('ein Haus am See'), ['ein', 'Haus', 'am', 'See']);
  assert.deepEqual(unknown('🐶 by a lake'), ['🐶']);
  assert.deepEqual(unknown('a dog, a DOG'), ['dog']);
});

test('knows every prompt in its own words', () => {
  for (const prompt of [
    'a red house by a lake at sunset',
    'three yellow tents in a meadow in the morning',
    'A Purple Lighthouse on the sea at dusk, stormy',
    'two blue boats, (a white cat:1.3) BREAK [night]',
    '',
  ])
    assert.deepEqual(unknown(prompt), [], prompt);
});

test('parts of known words that are tokens too are not known for that', () => {
  assert.deepEqual(unknown('ink in my ear'), ['ink', 'my', 'ear']);
});

test('signs alone are no words', () => {
  assert.ok(hasNoWords('!!! ???'));
  assert.ok(hasNoWords('((('));
  assert.ok(!hasNoWords('a'));
});

test('names of files are no words', () => {
  const prompt = 'a house <lora:ink drawing:0.8>, embedding:moody, __colour/warm__ <hypernet:x> zebra';
  assert.deepEqual(unknownWords(['a', 'house'], prompt), ['zebra']);
  assert.ok(hasNoWords('<lora:ink:1> embedding:moody'));
});
