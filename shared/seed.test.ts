import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSeed } from './seed.ts';

test('seeds', () => {
  for (const random of [' ', '-1', ' -1 ']) assert.equal(parseSeed(random), undefined);
  assert.equal(parseSeed(' 42 '), 42);
  assert.equal(parseSeed('4294967295'), 4294967295);
  for (const bad of ['4294967296', '-2', '1.5', '1e3', 'seed', '0x10'])
    assert.equal(parseSeed(bad), null, bad);
});
