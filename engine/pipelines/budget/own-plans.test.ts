import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EditResult, GenerateRequest, GenerateResult } from '../../../shared/api.ts';
import { changeJson, writeCheckpoint, writeLora } from '../../../test/support/checkpoints.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { budgets, fewerSteps } from '../../benchmark/whole/cases/budget.ts';
import { createEngine } from '../../engine.ts';
import type { Program } from '../../execution/backend.ts';
import { WrappedBackend } from '../../execution/wrapped-backend.ts';
import { encodePicture } from '../../pictures/compose.ts';
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

/** A copy of the model with a plan for edits, which cost so much unless they are told to cost less. */
async function editingModel(name: string): Promise<string> {
  const place = path.join(folder, name);
  await cp(model, place, { recursive: true });
  await changeJson(path.join(place, 'generation_config.json'), {
    num_inference_steps: 12,
    guidance_scale: 5,
    edit_budget: 0.4,
    budget_plans: [{ step_plan: 'PPP @budget/few.safetensors', guidance: 5, edits: true, up_to: 0.4 }],
  });
  return place;
}

const square = await encodePicture({
  width: 64,
  height: 64,
  pixels: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % 64, Math.floor(i / 192)];
    return x >= 20 && x < 44 && y >= 20 && y < 44 ? 255 : 0;
  }),
});

test('an edit takes the plan that was made for edits, at full strength, and records with its adapter', async () => {
  const place = await editingModel('edits');
  const image = (await draw({})).picture.png;
  const asked = { ...base, model: place, image, mask: square, strength: 1 } as const;
  const plan = 'PPP @budget/few.safetensors';
  const { recipe, complete, editSteps, spent } = await engine.prepareEdit(asked);
  assert.deepEqual([recipe?.stepPlan, complete, editSteps, spent], [plan, true, 3, 3 / 24]);
  const edited = await engine.edit(asked);
  assert.deepEqual([edited.recipe.stepPlan, edited.recordedSteps], [plan, 0]);
  assert.deepEqual(edited.recipe.budget, { share: 0.4, steps: 12 });
  const again = await engine.edit({ ...asked, stepPlan: plan, steps: 3 });
  assert.deepEqual([again.recordedSteps, again.picture.png.length > 0], [0, true]);
  assert.deepEqual(await pixelsOf(again), await pixelsOf(edited));
  const plain = await engine.edit({ ...asked, stepPlan: 'PPP', steps: 3 });
  assert.notDeepEqual(await pixelsOf(plain), await pixelsOf(edited), 'the adapter has an effect');
  assert.equal(plain.recordedSteps, 3, 'features of the plain model are others');
  const others = [
    { strength: 0.7 },
    { negativePrompt: 'fog' },
    { guidance: 4 },
    { budget: 1 },
    { steps: 11 },
  ];
  for (const other of others)
    assert.ok(
      !(await engine.edit({ ...asked, ...other })).recipe.stepPlan?.includes('@'),
      Object.keys(other)[0],
    );
  assert.ok(!(await draw({ model: place, budget: 0.4 })).recipe.stepPlan?.includes('@'));
});

test('an adapter that has changed between two edits is read again', async () => {
  const place = await editingModel('changing');
  const image = (await draw({})).picture.png;
  const asked = { ...base, model: place, image, mask: square, strength: 1 } as const;
  const first = await pixelsOf(await engine.edit(asked));
  assert.deepEqual(await pixelsOf(await engine.edit(asked)), first);
  const halves = [halfOf('lora_A', [4, 8], 0.5), halfOf('lora_B', [8, 4], 0.5)];
  await writeSafetensors(path.join(place, 'budget/few.safetensors'), halves);
  assert.notDeepEqual(await pixelsOf(await engine.edit(asked)), first);
});

/** One of the two factors of an adapter; `scale` 0: of zeros. */
function halfOf(name: 'lora_A' | 'lora_B', shape: number[], scale: number) {
  return {
    name: `unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.${name}.weight`,
    dtype: 'F32' as const,
    shape,
    chunks: () => [new Uint8Array(Float32Array.from({ length: 32 }, (_, i) => scale * Math.cos(i)).buffer)],
  };
}

async function pixelsOf({ picture }: EditResult): Promise<Uint8Array> {
  return (await decodePicture(picture.png, 'the image')).pixels;
}

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
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 }), fc.nat(1e6), async (zero, seed) => {
      // One of the two factors is zero, or both are.
      const halves = [
        halfOf('lora_A', [4, 8], zero === 0 ? 0.5 : 0),
        halfOf('lora_B', [8, 4], zero === 1 ? 0.5 : 0),
      ];
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
