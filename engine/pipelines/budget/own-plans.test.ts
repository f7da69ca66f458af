import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { GenerateRequest, GenerateResult } from '../../../shared/api.ts';
import { changeJson, writeCheckpoint, writeLora } from '../../../test/support/checkpoints.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { budgets, fewerSteps } from '../../benchmark/whole/cases/budget.ts';
import { createEngine } from '../../engine.ts';
import type { Program } from '../../execution/backend.ts';
import { WrappedBackend } from '../../execution/wrapped-backend.ts';
import { decodePicture } from '../../pictures/read.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import { writeSafetensors } from '../../weights/write.ts';

const folder = await temporaryFolder();
process.env.PATCHWORK_CACHE = path.join(folder, 'cache');
const model = path.join(folder, 'tiny');
await writeCheckpoint(model, 'sd15');
const FEW = 'PPP 999 600 200 @budget/few.safetensors';
await changeJson(path.join(model, 'generation_config.json'), {
  num_inference_steps: 12,
  guidance_scale: 5,
  budget_plans: [{ step_plan: FEW, guidance: 5, scheduler: 'dpmpp-2m' }],
});
await writeLora(path.join(model, 'budget/few.safetensors'));

/** Counts the programs that are loaded. */
class CountingBackend extends WrappedBackend {
  loads = 0;

  protected override loaded(load: () => Promise<Program>): Promise<Program> {
    this.loads++;
    return load();
  }
}

const backend = new CountingBackend(new NodeBackend(1));
const engine = createEngine(backend);
const base = { prompt: 'a red house', model, seed: 3, width: 64, height: 64, previews: false } as const;

async function draw(more: Partial<GenerateRequest>): Promise<GenerateResult & { pixels: Uint8Array }> {
  const result = await engine.generate({ ...base, ...more });
  return { ...result, pixels: (await decodePicture(result.picture.png, 'the image')).pixels };
}

test('a budget takes the plan of the model, with its sampler and its adapter, and its recipe makes it again', async () => {
  const draft = await draw({ budget: 0.3 });
  assert.deepEqual(draft.warnings, []);
  const { stepPlan, scheduler, steps, budget } = draft.recipe;
  assert.deepEqual([stepPlan, scheduler, steps], [FEW, 'dpmpp-2m', 3]);
  assert.deepEqual(budget, { share: 0.3, steps: 12, scheduler: 'ddim' });
  assert.match(draft.budget!.plan, /^3 steps with the adapter few, .*without guidance$/);
  const full = await draw({});
  assert.ok(Math.abs(draft.macs / full.macs - draft.budget!.spent) < 1e-6);
  assert.deepEqual((await draw({ stepPlan: FEW, scheduler })).pixels, draft.pixels);
  const without = await draw({ stepPlan: FEW.replace(/ @.*/, ''), scheduler });
  assert.notDeepEqual(without.pixels, draft.pixels, 'the adapter has an effect');
});

test('what the plan was not made for is planned as for any model', async () => {
  const file = path.join(folder, 'style.safetensors');
  await writeLora(file);
  const planOf = async (more: Partial<GenerateRequest>) =>
    (await draw({ budget: 0.3, ...more })).recipe.stepPlan;
  const red = { image: (await draw({})).picture.png };
  for (const other of [
    { guidance: 6 },
    { negativePrompt: 'fog' },
    { style: { name: 'clear', prompt: '', negativePrompt: 'fog' } },
    { scheduler: 'euler' as const },
    { regions: [{ prompt: 'a tree', mask: red.image }] },
  ])
    assert.ok(!(await planOf(other))?.includes('@'), Object.keys(other)[0]);
  assert.equal(await planOf({ scheduler: 'dpmpp-2m' }), FEW);
  const { recipe } = await draw({ budget: 0.3, loras: [{ lora: file, strength: 0.5 }] });
  assert.deepEqual([recipe.stepPlan, recipe.loras], [FEW, [{ lora: 'style', strength: 0.5 }]]);
  const edited = await engine.edit({ ...base, ...red, budget: 0.3 });
  assert.ok(!edited.recipe.stepPlan?.includes('@'));
});

test('the benchmark of budgets takes the plan of the model, and plain steps as its control', async () => {
  const task = {
    ...base,
    engine,
    image: new Uint8Array(),
    editPrompt: '',
    steps: 18,
    workers: 1,
    precision: 'fp32',
  } as const;
  const twenty = [budgets, fewerSteps].map((cases) => cases.find(({ name }) => name.endsWith('-20'))!);
  const plans = [];
  for (const one of twenty) plans.push((await one.run(task, {})).recipe?.stepPlan);
  assert.deepEqual(plans, [FEW, undefined]);
});

test('the plain model and the one with the adapter stay loaded side by side', async () => {
  const own = createEngine(backend);
  const both = async () => {
    for (const more of [{ budget: 0.3 }, {}]) await own.generate({ ...base, ...more });
  };
  await both();
  const { loads } = backend;
  assert.ok(loads > 0);
  await both();
  await both();
  assert.equal(backend.loads, loads);
  await own.dispose();
});

test('with an adapter of zeros the image is that of the plan alone', async () => {
  const key = 'unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q';
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 }), fc.nat(1e6), async (zero, seed) => {
      // One of the two factors is zero, or both are.
      const half = (name: string, shape: number[], isZero: boolean) => ({
        name: `${key}.${name}.weight`,
        dtype: 'F32' as const,
        shape,
        chunks: () => [new Uint8Array(new Float32Array(32).fill(isZero ? 0 : 0.5).buffer)],
      });
      const halves = [half('lora_A', [4, 8], zero !== 0), half('lora_B', [8, 4], zero !== 1)];
      await writeSafetensors(path.join(model, `budget/zero-${zero}.safetensors`), halves);
      const plan = 'PPP 999 600 200';
      const how = { seed, scheduler: 'dpmpp-2m' } as const;
      const adapted = await draw({ ...how, stepPlan: `${plan} @budget/zero-${zero}.safetensors` });
      assert.deepEqual(adapted.pixels, (await draw({ ...how, stepPlan: plan })).pixels);
    }),
    { numRuns: 3 },
  );
});

test('an adapter that is missing, is none or belongs to another model is named; workers refuse it', async () => {
  const refused = (stepPlan: string, reason: RegExp, more: Partial<GenerateRequest> = {}) =>
    assert.rejects(draw({ stepPlan, scheduler: 'dpmpp-2m', ...more }), reason);
  await refused(
    'PPP @budget/gone.safetensors',
    /tiny has no adapter budget\/gone\.safetensors, which the step plan/,
  );
  await refused(
    'PPP @unet/diffusion_pytorch_model.safetensors',
    /unet.diffusion_pytorch_model.*is it a LoRA file/,
  );
  await writeSafetensors(
    path.join(model, 'budget/other.safetensors'),
    ['A', 'B'].map((half) => ({
      name: `unet.conv_in.lora_${half}.weight`,
      dtype: 'F32' as const,
      shape: [2, 2],
      chunks: () => [new Uint8Array(16)],
    })),
  );
  await refused('PPP @budget/other.safetensors', /budget.other\.safetensors: "unet\.conv_in" .*does not fit/);
  await refused(FEW, /Workers have no adapters of step plans/, { workers: 2 });
  await rm(path.join(model, 'budget/few.safetensors'));
  await assert.rejects(draw({ budget: 0.3 }), /tiny has no adapter budget\/few\.safetensors/);
});
