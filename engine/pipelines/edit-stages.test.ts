import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { EditRequest } from '../../shared/api.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { createEngine } from '../engine.ts';
import { encodePng } from '../pictures/png.ts';
import { psnr } from '../pictures/psnr.ts';
import { decodePicture } from '../pictures/read.ts';

const engine = createEngine(new NodeBackend(1));
after(() => engine.dispose());

/** A picture with a slow gradient. */
function picture(size: number): Promise<Uint8Array> {
  const planes = Float32Array.from({ length: 3 * size * size }, (_, i) =>
    Math.sin((i % size) / 40 + (i >> 16)),
  );
  return encodePng(planes, size, size);
}

/** A mask of `side` pixels squared in a picture of `size`. */
function square(size: number, side: number): Promise<Uint8Array> {
  const at = (i: number) => Math.abs((i % size) - size / 2 + 0.5) < side / 2;
  const planes = Float32Array.from({ length: 3 * size * size }, (_, i) =>
    at(i) && at(Math.floor((i % size ** 2) / size)) ? 1 : -1,
  );
  return encodePng(planes, size, size);
}

const image = await picture(256);
const base = { prompt: 'a red boat', image, seed: 3, steps: 4, previews: false, stepPlan: 'FF/FF' } as const;

async function repainted(more: Partial<EditRequest>) {
  const result = await engine.edit({ ...base, mask: await square(256, 72), ...more });
  const { pixels } = await decodePicture(result.picture.png, 'the image');
  return { ...result, pixels };
}

test('an edit whose first steps are at half the resolution costs less, and outside the mask nothing changes', async () => {
  const [composed, full] = [await repainted({}), await repainted({ stepPlan: 'FFFF' })];
  assert.deepEqual([composed.recipe.stepPlan, composed.stepSeconds.length], ['FF/FF', 4]);
  // The last two steps in full were recorded by the first edit already, and its first two cost a quarter.
  assert.deepEqual([composed.recordedSteps, full.recordedSteps], [4, 2]);
  assert.ok(composed.recordingMacs < 1.3 * full.recordingMacs);
  const [again, fullAgain] = [await repainted({}), await repainted({ stepPlan: 'FFFF' })];
  assert.ok(again.macs < fullAgain.macs && again.denseMacs < fullAgain.denseMacs);
  const before = await decodePicture(image, 'the image');
  const beside = ({ pixels }: Pick<typeof before, 'pixels'>) =>
    pixels.subarray(100 * 256 * 3, (100 * 256 + 80) * 3);
  assert.deepEqual(beside(composed), beside(before));
  assert.notDeepEqual(composed.pixels, full.pixels);
});

test('both resolutions are recorded in advance, and edits of the result read both', async () => {
  const other = await picture(272);
  const mask = await square(272, 80);
  const prepared = await engine.prepareEdit({ image: other, steps: 4, stepPlan: 'FF/FF' });
  assert.deepEqual([prepared.complete, prepared.recordedSteps], [true, 4]);
  const first = await engine.edit({ ...base, image: other, mask });
  assert.equal(first.recordedSteps, 0);
  const second = await engine.edit({ ...base, image: first.picture.png, mask, prompt: 'a blue house' });
  assert.equal(second.recordedSteps, 0, 'the edit brought the features of both up to date');
});

test('under a mask of the whole image a sparse edit with two resolutions is a dense one', async () => {
  const mask = await square(256, 256);
  const [sparse, dense] = [
    await repainted({ mask, precision: 'fp32' }),
    await repainted({ mask, precision: 'fp32', mode: 'dense' }),
  ];
  assert.ok(psnr(sparse.pixels, dense.pixels) > 50);
});

test('at a strength that skips the steps at half the resolution an edit is as without them', async () => {
  const [composed, full] = [
    await repainted({ strength: 0.5 }),
    await repainted({ strength: 0.5, stepPlan: 'FFFF' }),
  ];
  assert.deepEqual(composed.pixels, full.pixels);
  const partly = await repainted({ strength: 0.75 });
  assert.equal(partly.stepSeconds.length, 3);
});

test('edits of images much larger than the model’s own begin at half the resolution by themselves', async () => {
  const large = await picture(512);
  const planOf = async (side: number, more: Partial<EditRequest> = {}) => {
    const mask = await square(512, side);
    const { recipe } = await engine.edit({ prompt: 'a boat', image: large, mask, previews: false, ...more });
    return recipe.stepPlan;
  };
  assert.equal(await planOf(200), 'PPP/P @budget/few.safetensors');
  // A window of the model's own size is worked on.
  assert.equal(await planOf(60, { zoom: 'auto' }), 'PPPP @budget/few.safetensors');
});

test('steps at half the resolution are refused where something else than a prompt steers', async () => {
  const regions = [{ prompt: 'a tree', mask: await square(256, 72) }];
  await assert.rejects(repainted({ regions }), /steered by more than a prompt.*Leave out its slash/);
  const mask = await square(136, 40);
  await assert.rejects(repainted({ image: await picture(136), mask }), /has no images of 68 × 68 pixels/);
});
