import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadAhead } from './read-ahead.ts';

test('a file that is read ahead is read once, and handed out once', async () => {
  const reads: string[] = [];
  const ahead = new ReadAhead(async (place) => {
    reads.push(place);
    if (place === 'missing') throw new Error('It is missing.');
    return Uint8Array.of(reads.length);
  });
  ahead.begin(['a', 'missing']);
  ahead.begin(['a']);
  assert.deepEqual([...(await ahead.read('a'))], [1]);
  assert.deepEqual(reads, ['a', 'missing']);
  await assert.rejects(ahead.read('missing'), /It is missing/);
  assert.deepEqual([...(await ahead.read('a'))], [3]);
  assert.deepEqual([...(await ahead.read('b'))], [4]);
});
