import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { chunkPrompt } from './prompt-chunks.ts';
import { loadTokenizer } from './tokenizer.ts';

const tokenizer = await loadTokenizer(path.join(import.meta.dirname, '../../test/fixtures/tokenizer'));
const [house, red, lake] = ['house', 'red', 'lake'].map((word) => tokenizer.tokens(word)[0]!);
const words = (ids: Int32Array, end: number) => tokenizer.text([...ids.subarray(1, end)]);

test('a short prompt is one chunk, with the weight of every token', () => {
  const { chunks, truncated } = chunkPrompt(tokenizer, 'a (red:1.5) house');
  assert.equal(truncated, undefined);
  assert.equal(chunks.length, 1);
  const { ids, weights, end } = chunks[0]!;
  assert.equal(end, 4);
  assert.deepEqual([...ids], [...tokenizer.frame(tokenizer.tokens('a red house'))]);
  assert.deepEqual([...weights.subarray(0, 5)], [1, 1, 1.5, 1, 1]);
  assert.equal(chunkPrompt(tokenizer, '').chunks.length, 1);
});

test('a long prompt continues in the next chunk', () => {
  const { chunks, truncated } = chunkPrompt(tokenizer, `${'house '.repeat(75)}red lake`);
  assert.equal(truncated, undefined);
  assert.deepEqual(
    chunks.map(({ ids, end }) => [ids[1], ids[end - 1], end]),
    [
      [house, house, 76],
      [red, lake, 3],
    ],
  );
  assert.equal(chunkPrompt(tokenizer, 'house '.repeat(75)).chunks.length, 1);
});

test('a full chunk ends at a comma that is near its end', () => {
  const near = chunkPrompt(tokenizer, `${'house '.repeat(70)}, ${'red '.repeat(8)}`);
  assert.deepEqual(
    near.chunks.map(({ end }) => end - 1),
    [71, 8],
  );
  assert.equal(words(near.chunks[1]!.ids, near.chunks[1]!.end), 'red '.repeat(8).trim());
  const far = chunkPrompt(tokenizer, `house , ${'red '.repeat(80)}`);
  assert.deepEqual(
    far.chunks.map(({ end }) => end - 1),
    [75, 7],
  );
});

test('BREAK starts a new chunk', () => {
  const { chunks } = chunkPrompt(tokenizer, 'a red house BREAK a (lake BREAK sunset)');
  assert.deepEqual(
    chunks.map(({ ids, end }) => words(ids, end)),
    ['a red house', 'a lake', 'sunset'],
  );
  assert.ok(Math.abs(chunks[2]!.weights[1]! - 1.1) < 1e-6);
});

test('a prompt beyond the limit is cut, with a warning', () => {
  const { chunks, truncated } = chunkPrompt(tokenizer, `${'house '.repeat(600)}red lake`);
  assert.equal(chunks.length, 8);
  assert.equal(truncated, 'red lake');
});
