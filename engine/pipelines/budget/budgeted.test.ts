import assert from 'node:assert/strict';
import test from 'node:test';
import { recipeOf } from '../../../shared/testing.ts';
import type { DiffusionModel } from '../../models/diffusion-model.ts';
import { openModel } from '../../models/open.ts';
import { budgeted, fullProcess } from './budgeted.ts';
import { planBudget } from './plan-budget.ts';
import { spendingOf } from './spending.ts';

const scenes = (await openModel('scenes')) as DiffusionModel;
const recipe = recipeOf({ width: 256, height: 256, steps: 20, guidance: 5, scheduler: 'dpmpp-2m' });

test('what is asked for and what is spent stand in the report, the budget in the recipe', () => {
  const process = { ...fullProcess(scenes, recipe), own: [] };
  const { recipe: planned, report, warnings } = budgeted(recipe, 0.2, process);
  assert.deepEqual(planned.budget, { share: 0.2, steps: 20 });
  assert.equal(planned.steps, 5);
  assert.ok(report.spent > 0.15 && report.spent <= 0.205);
  assert.deepEqual(warnings, []);
});

test('a budget that no plan reaches gets the nearest plan, which is said', () => {
  const few = { ...recipe, steps: 2 };
  const process = { ...fullProcess(scenes, few), own: [] };
  const { recipe: planned, report, warnings } = budgeted(few, 0.1, process);
  assert.equal(planned.steps, 1);
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0]!,
    new RegExp(
      `^No plan costs as little as 0\\.1 of the full process; the nearest, ${report.spent.toFixed(2)},`,
    ),
  );
});

test('samplers that draw noise, and models of few steps, only leave out steps', () => {
  const distilled = (steps: number) => ({ ...recipe, steps, guidance: 1, scheduler: 'lcm' as const });
  const others = [{ ...recipe, scheduler: 'euler-a' as const }, ...[1, 2, 4, 8].map(distilled)];
  for (const other of others)
    for (const share of [0.5, 0.2, 0.1]) {
      const { recipe: planned, warnings, report } = budgeted(other, share, fullProcess(scenes, other));
      assert.equal(planned.stepPlan, undefined);
      assert.ok(planned.steps >= 1 && planned.steps <= other.steps);
      assert.equal(warnings.length > 0, report.spent > share + 0.005);
    }
});

test('an edit forecasts every second result, unless workers compute it or the sampler is another', () => {
  const planOf = (more: Partial<typeof recipe>, shared = false) =>
    spendingOf({ budget: 0.4 }, scenes, { ...recipe, ...more }, { shared, edit: true }).recipe;
  assert.equal(planOf({}).stepPlan, 'FF-F-F-F-F-F-F');
  assert.equal(planOf({}).steps, 14);
  for (const other of [planOf({}, true), planOf({ scheduler: 'euler-a' })])
    assert.deepEqual([other.stepPlan, other.steps], [undefined, 8]);
});

test('an edit without a budget spends what its model recommends, where it has a plan or forecasts', async () => {
  const twin = (await openModel('scenes-edit')) as DiffusionModel;
  const edit = { ...recipe, guidance: 3 };
  const planOf = (
    { model = twin, budget, shared = false, ofEdit = true, strength = 1 }: Partial<Asked>,
    more: Partial<typeof recipe> = {},
  ) => spendingOf({ budget }, model, { ...edit, ...more }, { shared, edit: ofEdit, strength });
  const own = planOf({});
  assert.equal(own.recipe.stepPlan, 'PPPP @budget/few.safetensors');
  assert.equal(planOf({ strength: 0.7 }).recipe.stepPlan, 'FF-F-F-F-F-F');
  assert.equal(planOf({}, { negativePrompt: 'fog' }).recipe.stepPlan, 'FF-F-F-F-F-F');
  assert.deepEqual(own.recipe.budget, { share: twin.defaults.editBudget, steps: 20 });
  assert.equal(own.budget?.budget?.asked, twin.defaults.editBudget);
  const inFull = [
    planOf({ budget: 1 }),
    planOf({ ofEdit: false }),
    planOf({ shared: true }),
    planOf({ model: scenes }),
    planOf({}, { steps: 8 }),
    planOf({}, { scheduler: 'euler-a' }),
  ];
  for (const { recipe: planned, budget } of inFull)
    assert.deepEqual([planned.stepPlan, planned.budget, budget], [undefined, undefined, undefined]);
  assert.equal(planOf({ budget: 0.55 }).recipe.stepPlan, 'FF-F-F-F-F-F-F-F-F-F');
});

interface Asked {
  model: DiffusionModel;
  budget: number | undefined;
  shared: boolean;
  ofEdit: boolean;
  strength: number;
}

test('an image much larger than the model’s own begins at half the resolution, with any budget', () => {
  const planOf = (more: Partial<typeof recipe>, options: Parameters<typeof spendingOf>[3] = {}, budget = 1) =>
    spendingOf({ budget }, scenes, { ...recipe, width: 512, height: 512, ...more }, options).recipe;
  assert.equal(planOf({}).stepPlan, 'FFFFFFFFFFFFFF/FFFFFF');
  assert.deepEqual([planOf({}).budget, planOf({ steps: 1 }).stepPlan], [undefined, undefined]);
  assert.equal(planOf({}, {}, 0.15).stepPlan, 'PPP/P @budget/few.safetensors');
  assert.equal(planOf({}, {}, 0.5).stepPlan, 'FFFFFF/FF');
  // Workers have no adapters and compute full steps.
  assert.equal(planOf({}, { shared: true }).stepPlan, 'FFFFFFFFFFFFFF/FFFFFF');
  assert.match(planOf({}, { shared: true }, 0.5).stepPlan!, /^F+\/F+$/);
  assert.equal(planOf({}, { edit: true }).stepPlan, 'FFFFFFFFFFFFFF/FFFFFF');
  const inFull = [
    planOf({ width: 256 }),
    planOf({ width: 264, height: 584 }),
    planOf({ scheduler: 'heun' }),
    planOf({}, { edit: true, shared: true }),
    planOf({}, { edit: true, worked: { width: 256, height: 256 } }),
  ];
  for (const { width, stepPlan } of inFull) assert.equal(stepPlan, undefined, String(width));
  const steered = { regions: [{ prompt: 'a tree', mask: new Uint8Array() }] };
  const large = { ...recipe, width: 512, height: 512 };
  assert.equal(spendingOf(steered, scenes, large).recipe.stepPlan, undefined);
  assert.equal(spendingOf({ stepPlan: 'F' }, scenes, large).recipe.stepPlan, undefined);
});

test('of an image that begins at half the resolution every budget is a share of that', () => {
  const process = fullProcess(scenes, { ...recipe, width: 512, height: 512 });
  const { macs, spent } = planBudget(1, process);
  const plain = process.restMacs + 20 * process.stepMacs;
  assert.equal(spent, 1);
  assert.ok(Math.abs(macs / plain - 0.5) < 0.01, `${macs} of ${plain}`);
});
