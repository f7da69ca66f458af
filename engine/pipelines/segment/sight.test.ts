import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import type { Recipe } from '../../../shared/api.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { createEngine } from '../../engine.ts';
import { withRecipe } from '../../pictures/recipe.ts';

const model = path.join(import.meta.dirname, '../../../test/fixtures/parity/tiny-sight/segmenter');

async function picture(width: number, height: number, seed: number): Promise<Uint8Array> {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * (seed + 7) * 31) % 251);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

test('a picture is encoded once; later requests may name it', async () => {
  const engine = createEngine(new NodeBackend(1));
  const image = await picture(120, 90, 1);
  const looked = await engine.segment({ image, model });
  assert.deepEqual(
    [looked.encoding, looked.masks.length, looked.width, looked.height],
    ['whole', 0, 120, 90],
  );
  assert.ok(looked.macs > 0);
  const points = [{ x: 30, y: 40 }];
  const clicked = await engine.segment({ image: looked.picture, points, model });
  assert.equal(clicked.encoding, 'kept');
  assert.ok(clicked.macs < looked.macs);
  assert.equal(clicked.masks.length, 3);
  // Its weights are random.
  assert.match(clicked.warnings[0]!, /Low confidence in this mask/);
  assert.match((await engine.findObjects({ image, model })).warnings[0]!, /No objects were found/);
  for (const { width, height, data } of clicked.masks)
    assert.deepEqual([width, height, data.length], [120, 90, 10800]);
  const scores = clicked.masks.map(({ score }) => score);
  assert.deepEqual(
    scores,
    [...scores].sort((a, b) => b - a),
  );
  const again = await engine.segment({ image, points, model, most: 1, maxSide: 60 });
  assert.equal(again.encoding, 'kept');
  assert.deepEqual(
    again.masks.map(({ width, height }) => [width, height]),
    [[60, 45]],
  );
  await engine.dispose();
  await assert.rejects(engine.segment({ image: looked.picture, points, model }), { name: 'ForgottenError' });
});

test('an earlier mask can be corrected, if it is one of this segmenter', async () => {
  const engine = createEngine(new NodeBackend(1));
  const image = await picture(64, 64, 2);
  const points = [{ x: 30, y: 40 }];
  const first = await engine.segment({ image, points, model });
  const more = [...points, { x: 5, y: 5, include: false }];
  const plain = await engine.segment({ image, points: more, model });
  const refined = await engine.segment({ image, points: more, refine: first.masks[0]!.logits, model });
  assert.notDeepEqual(refined.masks[0]!.logits, plain.masks[0]!.logits);
  await assert.rejects(
    engine.segment({ image, points: more, refine: new Float32Array(9), model }),
    /earlier mask has 9 values; segmenter gives 1024/,
  );
  await engine.dispose();
});

test('only the pictures used last are remembered', async () => {
  const engine = createEngine(new NodeBackend(1));
  const names: string[] = [];
  for (let seed = 0; seed < 20; seed++)
    names.push((await engine.segment({ image: await picture(16, 16, seed), model })).picture);
  await assert.rejects(engine.segment({ image: names[0]!, model }), /no longer remembered/);
  assert.equal((await engine.segment({ image: names.at(-1)!, model })).encoding, 'kept');
  await engine.dispose();
});

test('requests from anywhere are checked', async () => {
  const engine = createEngine(new NodeBackend(1));
  const image = await picture(16, 16, 1);
  for (const [request, sentence] of [
    [{ image: 5 }, /Invalid input|must be/],
    [{ image: new Uint8Array() }, /The image is empty/],
    [{ image, points: [{ x: 'a', y: 1 }] }, /x must be a number/],
    [{ image, points: Array(65).fill({ x: 1, y: 1 }) }, /At most 64 points/],
    [{ image, most: 9 }, /from 1 to 3/],
    [{ image, maxSide: 3 }, /from 16 to 8192/],
  ] as const)
    await assert.rejects(engine.segment({ model, ...(request as { image: Uint8Array }) }), (error: Error) => {
      assert.equal(error.name, 'InputError');
      assert.match(error.message, sentence);
      return true;
    });
  await engine.dispose();
});

test('a photograph of 20 megapixels is looked at within bounds of time and memory', async () => {
  const engine = createEngine(new NodeBackend(1));
  const image = await sharp({ create: { width: 5472, height: 3648, channels: 3, background: '#468' } })
    .jpeg()
    .toBuffer();
  const before = process.memoryUsage().rss;
  const { masks } = await engine.segment({ image, points: [{ x: 5000, y: 3000 }], model, most: 1 });
  assert.deepEqual([masks[0]!.width, masks[0]!.height], [5472, 3648]);
  assert.ok(process.memoryUsage().rss - before < 600e6);
  await engine.dispose();
});

test('an image is described by the recipe in its file, unless that is of an edit', async () => {
  const engine = createEngine(new NodeBackend(1));
  const recipe: Recipe = {
    prompt: 'a red house by a lake at sunset',
    negativePrompt: '',
    model: 'scenes',
    seed: 7,
    steps: 20,
    guidance: 5,
    width: 64,
    height: 64,
    scheduler: 'ddim',
    precision: 'fp32',
  };
  const plain = await picture(64, 64, 3);
  const drawn = await engine.describe({ image: withRecipe(plain, recipe) });
  assert.deepEqual([drawn.prompt, drawn.sure, drawn.source], [recipe.prompt, true, 'recipe']);
  for (const image of [plain, withRecipe(plain, { ...recipe, strength: 0.8 })]) {
    const seen = await engine.describe({ image });
    assert.equal(seen.source, 'image');
    assert.notEqual(seen.prompt, recipe.prompt);
  }
  await engine.dispose();
});
