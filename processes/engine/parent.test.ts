import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { scriptOf } from '../../test/support/script.ts';
import { isWellFormed } from './parent.ts';

const RUBBISH = [
  null,
  undefined,
  0,
  'x',
  [],
  {},
  { jsonrpc: '2.0', method: '$/cancelRequest', params: null },
  { jsonrpc: '2.0', method: '$/cancelRequest' },
  { jsonrpc: '2.0', method: '$/cancelRequest', params: { id: null } },
  { jsonrpc: '2.0', method: '$/cancelRequest', params: { id: { a: 1 } } },
  { jsonrpc: '2.0', method: '$/progress', params: null },
  { jsonrpc: '2.0', method: '$/setTrace', params: null },
  { jsonrpc: '2.0', method: '$/x', params: null },
  { jsonrpc: '2.0', id: 1, method: 'generate', params: null },
  { jsonrpc: '2.0', id: 2, method: 'generate' },
  { jsonrpc: '2.0', id: 3, method: 'generate', params: [] },
  { jsonrpc: '2.0', id: 4, method: 'nothing', params: {} },
  { jsonrpc: '2.0', id: null, method: 'generate', params: {} },
  { jsonrpc: '2.0', method: 'generate', params: null },
  { jsonrpc: '2.0', id: 5, result: null },
  { jsonrpc: '2.0', id: 6, error: null },
];

test('a process continues whatever its parent sends', async () => {
  const { script, execArgv } = scriptOf(path.join(import.meta.dirname, 'testing/fake-process.ts'));
  const child = fork(script, {
    execArgv,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const answered = new Promise<object | undefined>((resolve) => {
    child.on(
      'message',
      ({ id, result }: { id?: unknown; result?: object }) => id === 'last' && resolve(result),
    );
    child.once('exit', () => resolve(undefined));
  });
  for (const message of RUBBISH) if (message !== undefined) child.send(message as object);
  child.send({ jsonrpc: '2.0', id: 'last', method: 'store', params: { request: null, call: 1 } });
  assert.deepEqual(await answered, { budgetBytes: 0, bytes: 0, deviceBytes: 0, pictures: [] });
  child.kill();
});

test('calls and their cancellation pass', () => {
  for (const message of [
    { jsonrpc: '2.0', id: 1, method: 'generate', params: {} },
    { jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 1 } },
  ])
    assert.ok(isWellFormed(message));
});
