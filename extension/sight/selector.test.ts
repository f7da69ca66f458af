import assert from 'node:assert/strict';
import test from 'node:test';
import type { Engine, ObjectMask, SegmentResult } from '../../shared/api.ts';
import { Selector } from './selector.ts';

const asked: (string | undefined)[] = [];
const result = {
  picture: 'p',
  width: 1,
  height: 1,
  macs: 0,
  seconds: 0,
  loadSeconds: 0,
  warnings: [],
};
const engine = {
  segment: async ({ model }) => {
    asked.push(model);
    return { ...result, masks: [], sure: model !== undefined, encoding: 'whole', encodeSeconds: 0 };
  },
  findObjects: async ({ model }) => {
    asked.push(model);
    return { ...result, objects: model ? [{} as ObjectMask] : [] };
  },
} as Partial<Engine> as Engine;

test('an installed segmenter takes over where the built-in one is not sure, and stays', async () => {
  asked.length = 0;
  const selector = new Selector(engine, async () => 'sam');
  const image = Uint8Array.of(1);
  const first: SegmentResult = await selector.segment({ image });
  assert.ok(first.sure);
  await selector.segment({ image });
  assert.equal((await selector.findObjects({ image })).objects.length, 1);
  assert.deepEqual(asked, [undefined, 'sam', 'sam', 'sam']);
});

test('where none is installed the built-in one answers', async () => {
  asked.length = 0;
  const selector = new Selector(engine, async () => undefined);
  assert.equal((await selector.segment({ image: Uint8Array.of(1) })).sure, false);
  assert.equal((await selector.findObjects({ image: Uint8Array.of(1) })).objects.length, 0);
  assert.deepEqual(asked, [undefined, undefined]);
});
