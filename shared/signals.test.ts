import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { eitherSignal } from './signals.ts';

const { any } = AbortSignal;
afterEach(() => {
  Object.assign(AbortSignal, { any });
});

for (const [where, own] of [
  ['with the browser’s own', any],
  ['in a browser that has none', undefined],
] as const)
  test(`either signal aborts, for its reason, ${where}`, () => {
    Object.assign(AbortSignal, { any: own });
    for (const which of [0, 1]) {
      const both = [new AbortController(), new AbortController()] as const;
      const either = eitherSignal(both[0].signal, both[1].signal);
      assert.equal(either.aborted, false);
      both[which]!.abort('enough');
      assert.equal(either.aborted, true);
      assert.equal(either.reason, 'enough');
    }
    assert.equal(eitherSignal(AbortSignal.abort('before'), new AbortController().signal).reason, 'before');
    const alone = new AbortController().signal;
    assert.equal(eitherSignal(undefined, alone), alone);
  });
