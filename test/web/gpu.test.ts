/** The engine on a browser's GPU: here one made of software, whose fused attention is wrong. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPage, SOFTWARE_GPU, skipReason, type TestPage } from './server.ts';
import { workIn } from './work.ts';

const skip = skipReason();
let browser: TestPage;

before(async () => {
  if (!skip) browser = await openPage('', { flags: SOFTWARE_GPU });
});
after(() => browser?.close());

test('what a GPU computes wrong is found and composed of other operators; results stay there', {
  skip,
}, async () => {
  const { wrong, error, doubled } = await workIn<{ wrong: string[]; error: number; doubled: number[] }>(
    browser.page,
    'gpu-worker.ts',
    {},
    { gpu: true },
  );
  assert.deepEqual(wrong, ['MultiHeadAttention']);
  assert.ok(error < 1e-4, `${error}`);
  assert.deepEqual(doubled, [12, 16]);
});
