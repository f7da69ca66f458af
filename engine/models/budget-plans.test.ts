import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { readStepPlan } from '../../shared/stepPlan.ts';
import { InputError } from '../errors.ts';
import { readBudgetPlans } from './budget-plans.ts';

const dpmpp = { _class_name: 'DPMSolverMultistepScheduler', num_train_timesteps: 1000 };
const few = {
  step_plan: 'PPPPPP 999 800 600 400 250 100 @budget/few.safetensors',
  guidance: 5,
  scheduler: 'dpmpp-2m',
};
const read = (plans: unknown, scheduler: object = dpmpp) =>
  readBudgetPlans({ num_inference_steps: 20, budget_plans: plans }, scheduler, '/m/generation_config.json');

test('plans are read with their adapters, samplers and guidance; none is none', () => {
  assert.deepEqual(read([few, { step_plan: 'FPPP-P', guidance: 7.5 }]), [
    { stepPlan: few.step_plan, guidance: 5, scheduler: 'dpmpp-2m' },
    { stepPlan: 'FPPP-P', guidance: 7.5 },
  ]);
  assert.equal(read([{ ...few, up_to: 0.34 }])[0]?.upTo, 0.34);
  assert.deepEqual(
    [true, false].map((edits) => read([{ ...few, edits }])[0]?.edits),
    [true, undefined],
  );
  assert.deepEqual(readBudgetPlans({}, dpmpp, 'x'), []);
  assert.equal(readStepPlan(few.step_plan)?.adapter, 'budget/few.safetensors');
});

test('a plan that cannot be followed is refused with its file, its place and the reason', () => {
  const refused: [unknown, RegExp][] = [
    ['few', /budget_plans: /],
    [Array(17).fill(few), /budget_plans: /],
    [[few, { ...few, guidance: 'much' }], /budget_plans\.1\.guidance: /],
    [[{ ...few, up_to: 1.5 }], /budget_plans\.0\.up_to: /],
    [[{ ...few, scheduler: 'fast' }], /budget_plans\.0\.scheduler: "fast" is not supported/],
    [[{ ...few, step_plan: 'PXP' }], /budget_plans\.0: .*"PXP" is not known to this version; correct/],
    [[{ ...few, step_plan: 'PP @../few.safetensors' }], /is not known to this version/],
    [[{ ...few, step_plan: 'FdF' }], /other steps than F, P and -/],
    [[{ ...few, step_plan: '-F' }], /forecasts its first step/],
    [[{ ...few, step_plan: 'P'.repeat(151) }], /more than 150 steps/],
    [[{ ...few, step_plan: 'PP 1000 5' }], /does not fit its sampler \(.*below 1000\); correct/],
    [[{ ...few, scheduler: 'ddim' }], /does not fit its sampler \(This sampler places its steps itself/],
    [[{ ...few, step_plan: 'PPP', scheduler: 'heun' }], /runs the network once for each step/],
    [[{ ...few, step_plan: 'PP-', scheduler: 'euler-a' }], /draws noise/],
  ];
  for (const [plans, reason] of refused)
    assert.throws(
      () => read(plans),
      (error: Error) => {
        assert.ok(error instanceof InputError, String(error));
        assert.ok(error.message.startsWith('/m/generation_config.json: '), error.message);
        assert.match(error.message, reason);
        return true;
      },
    );
});

test('no text names an adapter beyond the model’s folder', () => {
  const part = fc.constantFrom('..', '.', 'a', 'b.c', '/', '//', '\\', 'C:', '~', ' ', 'é', '\0', '');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const adapter = readStepPlan(`PP @${parts.join('/')}.safetensors`)?.adapter;
      if (adapter === undefined) return;
      assert.match(adapter, /^[\w./-]+$/);
      for (const name of adapter.split('/')) assert.ok(name !== '' && !name.startsWith('.'), adapter);
    }),
  );
});
