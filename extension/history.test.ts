import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Memento } from 'vscode';
import { PromptHistory } from './history.ts';

function memento(stored?: unknown): Memento {
  let value = stored;
  return {
    keys: () => [],
    get: () => value,
    update: async (_key: string, next: unknown) => {
      value = next;
    },
  } as unknown as Memento;
}

test('newest first, each once, the oldest forgotten', async () => {
  const history = new PromptHistory(memento());
  for (let n = 0; n < 40; n++) await history.add(`prompt ${n}`);
  await history.add('prompt 35');
  assert.equal(history.prompts.length, 30);
  assert.deepEqual(history.prompts.slice(0, 3), ['prompt 35', 'prompt 39', 'prompt 38']);
  await history.remove('prompt 39');
  assert.deepEqual(history.prompts.slice(0, 2), ['prompt 35', 'prompt 38']);
});

test('what is no list of prompts is no history', () => {
  assert.deepEqual(new PromptHistory(memento('x')).prompts, []);
  assert.deepEqual(new PromptHistory(memento(['a', 5, null])).prompts, ['a']);
});
