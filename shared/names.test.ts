import assert from 'node:assert/strict';
import { test } from 'node:test';
import { derivedNames, pictureNames, shorten, slug } from './names.ts';

test('slugs', () => {
  assert.equal(slug('A red house, by the Lake!'), 'a-red-house-by-the-lake');
  assert.equal(slug('  Ein schönes Häuschen  '), 'ein-schones-hauschen');
  assert.equal(slug('../../etc/passwd'), 'etc-passwd');
  assert.equal(slug('一只红色的房子'), '一只红色的房子');
  assert.equal(slug('…'), 'picture');
  assert.equal(slug('one two three four', 11), 'one-two');
  assert.equal(slug('x'.repeat(100), 10), 'x'.repeat(10));
  assert.equal(slug('con\u0000 nul'), 'con-nul');
});

test('names count up', () => {
  const names = pictureNames('a tree', 7);
  assert.deepEqual(
    [1, 2, 3].map(() => names.next().value),
    ['a-tree-7.png', 'a-tree-7-2.png', 'a-tree-7-3.png'],
  );
});

test('what is made from an image is named after it', () => {
  const names = derivedNames('lake', 'a red house');
  assert.deepEqual([names.next().value, names.next().value], ['lake.red-house.png', 'lake.red-house-2.png']);
});

test('long prompts are cut', () => {
  assert.equal(shorten('a red\n house', 20), 'a red house');
  assert.equal(shorten('a red house', 6), 'a red…');
  assert.equal(shorten('🏠🏠🏠', 3), '🏠🏠🏠');
});
