import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coalesced } from './coalesced.ts';

test('several calls become one, later; a cancelled one is never made', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let calls = 0;
  const ask = coalesced(() => calls++, 200);
  ask();
  ask();
  assert.equal(calls, 0);
  context.mock.timers.tick(200);
  assert.equal(calls, 1);
  ask();
  ask.cancel();
  context.mock.timers.tick(1000);
  assert.equal(calls, 1);
  ask();
  context.mock.timers.tick(200);
  assert.equal(calls, 2, 'cancelling does not keep later calls from being made');
});
