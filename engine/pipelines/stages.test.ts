import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { GenerateRequest } from '../../shared/api.ts';
import { recipeOf } from '../../shared/testing.ts';
import { writeCheckpoint } from '../../test/support/checkpoints.ts';
import { assertClose } from '../../test/support/close.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { createEngine } from '../engine.ts';
import { doubledLatents, halvedNoise } from '../execution/half-resolution.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { openModel } from '../models/open.ts';
import { gaussianNoise, START_NOISE } from '../noise.ts';
import { encodePng } from '../pictures/png.ts';
import { decodePicture } from '../pictures/read.ts';
import { temporaryFolder } from '../weights/testing.ts';
import { denoiseStages, stagesOf } from './stages.ts';

const folder = await temporaryFolder();
process.env.PATCHWORK_CACHE = path.join(folder, 'cache');
const model = path.join(folder, 'tiny');
await writeCheckpoint(model, 'sd15');
const engine = createEngine(new NodeBackend(1));
const base = { prompt: 'a red house', model, seed: 3, width: 128, height: 128, previews: false } as const;

async function draw(more: Partial<GenerateRequest>) {
  const { picture, macs, recipe } = await engine.generate({ ...base, ...more });
  return { macs, recipe, pixels: (await decodePicture(picture.png, 'the image')).pixels };
}

test('the whole resolution begins with what the half predicts, enlarged, and with the same noise', async () => {
  const scenes = (await openModel('scenes')) as DiffusionModel;
  const recipe = recipeOf({ width: 256, height: 128, steps: 4, scheduler: 'ddim', stepPlan: 'FF/FF' });
  const stages = stagesOf(scenes, recipe);
  assert.deepEqual(
    stages.map(({ dims, start, end }) => [dims, start, end]),
    [
      [[4, 8, 16], 0, 2],
      [[4, 16, 32], 2, 4],
    ],
  );
  const { dims, scheduler } = stages[1]!;
  const noise = gaussianNoise(recipe.seed, START_NOISE, 4 * 16 * 32);
  const seen: Float32Array[] = [];
  const cleans: Float32Array[] = [];
  await denoiseStages(stages, {
    noise,
    seed: recipe.seed,
    predictOf: () => async (sample) => {
      seen.push(sample);
      return sample.map((value, i) => Math.sin(i) - value);
    },
    onStepOf: () => async (_, _sample, original) => {
      cleans.push(original());
    },
  });
  assert.deepEqual(
    seen.map(({ length }) => length),
    [512, 512, 2048, 2048],
  );
  assertClose(seen[0]!, halvedNoise(noise, dims), 1e-6);
  const start = scheduler.addNoise(doubledLatents(cleans[1]!, dims), noise, 2);
  assertClose(seen[2]!, scheduler.scaleInput(start, 2), 1e-6);
});

test('steps at half the resolution cost what a small image’s do, and stand in the recipe', async () => {
  const half = { width: 64, height: 64 };
  const [two, four] = [await draw({ steps: 2 }), await draw({ steps: 4 })];
  const small = [await draw({ ...half, steps: 2 }), await draw({ ...half, steps: 4 })];
  const composed = await draw({ stepPlan: 'FF/FF' });
  assert.equal(composed.macs, two.macs + small[1]!.macs - small[0]!.macs);
  assert.deepEqual([composed.recipe.stepPlan, composed.recipe.steps], ['FF/FF', 4]);
  assert.notDeepEqual(composed.pixels, four.pixels);
  assert.deepEqual((await draw({ stepPlan: 'FF/FF' })).pixels, composed.pixels);
  assert.deepEqual((await draw({ stepPlan: 'FFFF' })).pixels, four.pixels);
});

test('steps at half the resolution are refused where they are not possible', async () => {
  const refused = (reason: RegExp, more: Partial<GenerateRequest>) =>
    assert.rejects(draw({ stepPlan: 'F/F', ...more }), reason);
  await refused(/tiny has no images of 68 × 64 pixels, half of 136 × 128/, { width: 136 });
  const white = await encodePng(new Float32Array(3 * 128 * 128).fill(1), 128, 128);
  await refused(/steered by more than a prompt/, {
    regions: [{ prompt: 'a tree', mask: white }],
  });
  await engine.dispose();
  await rm(folder, { recursive: true });
});
