import assert from 'node:assert/strict';
import test from 'node:test';
import type { Engine, ObjectMask, SegmentResult } from '../../shared/api.ts';
import { SIGHT_RESULT } from '../../shared/testing.ts';
import { Selector } from './selector.ts';

const asked: (string | undefined)[] = [];
let known = true;
const engine = {
  describe: async () => ({ ...SIGHT_RESULT, prompt: '', sure: known, source: 'image', labels: [] }),
  segment: async ({ model }) => {
    asked.push(model);
    return { ...SIGHT_RESULT, masks: [], sure: model !== undefined, encoding: 'whole', encodeSeconds: 0 };
  },
  findObjects: async ({ model }) => {
    asked.push(model);
    return { ...SIGHT_RESULT, objects: model ? [{} as ObjectMask] : [] };
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

test('an image unlike drawings is encoded and clicked with the installed segmenter from the start', async () => {
  asked.length = 0;
  known = false;
  const image = Uint8Array.of(1);
  for (const [installed, model] of [
    ['sam', 'sam'],
    [undefined, undefined],
  ]) {
    const selector = new Selector(engine, async () => installed);
    await selector.encode(image);
    await selector.segment({ image });
    assert.deepEqual(asked.splice(0), [model, model]);
  }
  known = true;
});

test('after a click that the installed segmenter answered, it encodes', async () => {
  asked.length = 0;
  const selector = new Selector(engine, async () => 'sam');
  const image = Uint8Array.of(1);
  await selector.encode(image);
  await selector.segment({ image });
  await selector.encode(image);
  assert.deepEqual(asked, [undefined, undefined, 'sam', 'sam']);
});

test('where none is installed the built-in one answers', async () => {
  asked.length = 0;
  const selector = new Selector(engine, async () => undefined);
  assert.equal((await selector.segment({ image: Uint8Array.of(1) })).sure, false);
  assert.equal((await selector.findObjects({ image: Uint8Array.of(1) })).objects.length, 0);
  assert.deepEqual(asked, [undefined, undefined]);
});
