import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStorage } from '../test/support/storage.ts';
import { StoredList } from './storedList.ts';

const isNumber = (value: unknown): value is number => typeof value === 'number';

test('the latest values are kept, each once, and what is none is left out', async () => {
  const storage = new MemoryStorage();
  const list = new StoredList(storage, 'numbers', 3, isNumber);
  await storage.update('numbers', [1, 'x', 2]);
  assert.deepEqual(list.all, [1, 2]);
  for (const value of [5, 6, 1]) await list.add(value, (other) => other === value);
  assert.deepEqual(storage.get('numbers'), [1, 6, 5]);
  await list.remove((value) => value > 5);
  assert.deepEqual(list.all, [1, 5]);
  await storage.update('numbers', 'of another version');
  assert.deepEqual(list.all, []);
});
