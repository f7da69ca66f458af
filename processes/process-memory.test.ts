import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processMemory } from './process-memory.ts';

test('tells what a process takes', async () => {
  const bytes = await processMemory(process.pid);
  assert.ok(bytes! > 10e6 && bytes! < 10e9, String(bytes));
});

test('the memory of a process that is gone is unknown', async () => {
  assert.equal(await processMemory(2 ** 22 + 1), undefined);
});
