import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from './limits.ts';
import { parseSeed, seedsFrom } from './seed.ts';

test('seeds', () => {
  for (const random of [' ', '-1', ' -1 ']) assert.equal(parseSeed(random), undefined);
  assert.equal(parseSeed(' 42 '), 42);
  assert.equal(parseSeed('4294967296'), 4294967296);
  assert.equal(parseSeed('9007199254740991'), LIMITS.seed.max);
  for (const bad of ['9007199254740992', '-2', '1.5', '1e3', 'seed', '0x10'])
    assert.equal(parseSeed(bad), null, bad);
});

test('after the largest seed comes 0', () => {
  assert.deepEqual(seedsFrom(7, 3), [7, 8, 9]);
  assert.deepEqual(seedsFrom(LIMITS.seed.max - 1, 4), [LIMITS.seed.max - 1, LIMITS.seed.max, 0, 1]);
});
