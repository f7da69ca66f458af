import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { isInFull, readStepPlan, type StepKind } from '../../../shared/stepPlan.ts';
import { MEASURED_PLANS } from './measured-plans.ts';
import { type FullProcess, planBudget } from './plan-budget.ts';

const process: FullProcess = {
  steps: 20,
  stepMacs: 200,
  aloneMacs: 100,
  restMacs: 210,
  places: true,
  guided: true,
  shared: false,
  forecasts: false,
  own: [],
};

const owns = fc.array(
  fc
    .tuple(
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 1, max: 12 }),
      fc.nat(3),
      fc.integer({ min: 10, max: 100 }),
    )
    .map(([guided, alone, forecast, percent]) => ({
      stepPlan: `${'F'.repeat(guided)}${'P'.repeat(alone)}${'-'.repeat(forecast)} @budget/a.safetensors`,
      guidance: 5,
      ...(percent % 2 === 0 && { upTo: percent / 100 }),
    })),
  { maxLength: 4 },
);
const processes = fc.record({
  steps: fc.integer({ min: 1, max: 150 }),
  stepMacs: fc.constant(200),
  aloneMacs: fc.constant(100),
  restMacs: fc.integer({ min: 0, max: 4000 }),
  places: fc.boolean(),
  guided: fc.boolean(),
  shared: fc.boolean(),
  forecasts: fc.boolean(),
  own: owns,
  half: fc.option(fc.constant({ share: 0.7, stepMacs: 50, aloneMacs: 25 }), { nil: undefined }),
});
const shares = fc.integer({ min: 10, max: 100 }).map((hundredths) => hundredths / 100);

test('a plan costs what it says, no more than was asked for unless it says so, and can be read', () => {
  fc.assert(
    fc.property(processes, shares, (full, share) => {
      const { steps, stepPlan, spent, isNearest } = planBudget(share, full);
      const { kinds, half = 0 } = readStepPlan(stepPlan ?? 'F'.repeat(steps))!;
      assert.ok(kinds.length === steps && steps >= 1 && steps <= full.steps);
      assert.ok(full.half ? half < steps : half === 0);
      const costOf = (kinds: readonly StepKind[], half: number) =>
        kinds.reduce((sum, kind, i) => {
          const { stepMacs, aloneMacs } = i < half ? full.half! : full;
          return sum + { F: stepMacs, P: aloneMacs, '-': 0, d: Number.NaN, p: Number.NaN }[kind];
        }, 0);
      const cost = costOf(kinds, half);
      const whole = new Array<StepKind>(full.steps).fill('F');
      const first = full.half ? Math.min(full.steps - 1, Math.round(0.7 * full.steps)) : 0;
      const all = full.restMacs + costOf(whole, first);
      assert.ok(Math.abs(spent - (full.restMacs + cost) / all) < 1e-9);
      assert.equal(isNearest, spent > share + 0.005 + 1e-9);
    }),
  );
});

test('more may be spent, more is spent', () => {
  fc.assert(
    fc.property(processes, shares, shares, (full, one, other) => {
      const [less, more] = [Math.min(one, other), Math.max(one, other)];
      assert.ok(planBudget(less, full).spent <= planBudget(more, full).spent + 1e-9);
    }),
  );
});

test('the whole budget is the full process', () => {
  fc.assert(
    fc.property(processes, (full) => {
      const { steps, stepPlan, spent } = planBudget(1, full);
      const { half } = readStepPlan(stepPlan ?? 'F')!;
      const isComposed = full.half !== undefined && full.steps > 1;
      assert.deepEqual([steps, isInFull(stepPlan), spent], [full.steps, true, 1]);
      assert.equal(half !== undefined, isComposed);
    }),
  );
});

test('small budgets follow what was measured, where model and sampler can', () => {
  const plans = [0.15, 0.2, 0.25, 0.3, 0.36].map((share) => planBudget(share, process).stepPlan);
  assert.deepEqual(
    plans.map((plan) => plan?.split(' ')[0]),
    ['FPP', 'FPPPP', 'FFPPPP', 'FFFPPPP', undefined],
  );
  assert.ok(MEASURED_PLANS.length > 0);
  for (const less of [{ places: false }, { guided: false }, { shared: true }, { steps: 8 }]) {
    const { steps, stepPlan } = planBudget(0.2, { ...process, ...less });
    assert.equal(stepPlan, undefined, 'only steps are left out');
    assert.ok(steps < 8);
  }
});

test('an edit has forecasts between its steps, where it has enough of them and the sampler as many places', () => {
  const edit = { ...process, places: false, forecasts: true };
  const plans = [0.3, 0.4, 0.5, 0.6, 0.7, 1].map((share) => planBudget(share, edit));
  assert.deepEqual(
    plans.map(({ stepPlan, steps }) => stepPlan ?? steps),
    [5, 'FF-F-F-F-F-F', 'FF-F-F-F-F-F-F-F', 'FF-F-F-F-F-F-F-F-F-F', 13, 20],
  );
});

const few = { stepPlan: 'PPPPPP 999 800 600 400 250 100 @budget/few.safetensors', guidance: 5 };
const more = {
  stepPlan: `${'P'.repeat(10)} @budget/more.safetensors`,
  guidance: 5,
  scheduler: 'ddim',
} as const;

test('where a plan of the model fits, it is taken in place of the measured ones', () => {
  // The texts and the decoder have 4.98 % of all, a step 4.75 %.
  for (const own of [
    [few, more],
    [more, few],
  ]) {
    const plans = [0.15, 0.2, 0.28, 0.3, 0.32, 0.35, 0.5, 1].map((share) =>
      planBudget(share, { ...process, own }),
    );
    assert.deepEqual(
      plans.map(({ stepPlan, scheduler, steps }) => [stepPlan ?? steps, scheduler]),
      [
        ['FPP 999 626 292', undefined],
        [few.stepPlan, undefined],
        ['FFPPPP 999 773 606 440 300 100', undefined],
        [more.stepPlan, 'ddim'],
        [more.stepPlan, 'ddim'],
        [6, undefined],
        [9, undefined],
        [20, undefined],
      ],
    );
    assert.equal(
      plans[1]!.means,
      '6 steps with the adapter few, placed where they matter most, without guidance',
    );
  }
});

test('above the plans of the model the measured ones count, then plain steps', () => {
  const plans = [0.2, 0.25, 0.3, 0.36].map((share) => planBudget(share, { ...process, own: [few] }));
  assert.deepEqual(
    plans.map(({ stepPlan, steps }) => stepPlan?.split(' ')[0] ?? steps),
    ['PPPPPP', 'FFPPPP', 'FFFPPPP', 6],
  );
});

test('a plan that says up to where it is better holds until there, though it costs less', () => {
  const own = [{ ...few, upTo: 0.34 }];
  const plans = [0.2, 0.25, 0.34, 0.35].map((share) => planBudget(share, { ...process, own }));
  assert.deepEqual(
    plans.map(({ stepPlan, steps }) => stepPlan ?? steps),
    [few.stepPlan, few.stepPlan, few.stepPlan, 6],
  );
  assert.equal(planBudget(1, { ...process, own: [{ ...few, upTo: 1 }] }).stepPlan, undefined);
});

test('between two plans of the model plain steps count, unless the cheaper one says that it is better', () => {
  const middle = { stepPlan: `${'F'.repeat(9)} 999 880 770 660 550 440 330 220 110`, guidance: 5, upTo: 0.5 };
  const own = [{ ...few, upTo: 0.34 }, middle];
  const plans = [0.34, 0.4, 0.47, 0.5, 0.55].map((share) => planBudget(share, { ...process, own }));
  assert.deepEqual(
    plans.map(({ stepPlan, steps }) => stepPlan ?? steps),
    [few.stepPlan, 7, 8, middle.stepPlan, 10],
  );
  const half = { share: 0.7, stepMacs: process.stepMacs / 4, aloneMacs: process.aloneMacs / 4 };
  const { stepPlan } = planBudget(0.5, { ...process, own, half });
  assert.match(stepPlan!, /^F+\/F+$/, 'its steps were placed for one resolution');
});

test('samplers without places and processes of few steps have the plans of their model too', () => {
  const own = [{ stepPlan: 'PPPP @budget/few.safetensors', guidance: 5 }];
  assert.equal(planBudget(0.17, { ...process, places: false, own }).stepPlan, own[0]!.stepPlan);
  assert.equal(planBudget(0.35, { ...process, steps: 8, own }).stepPlan, own[0]!.stepPlan);
  assert.equal(planBudget(0.9, { ...process, steps: 3, restMacs: 0, own }).stepPlan, undefined);
});

test('a budget that no plan reaches gets the cheapest', () => {
  const { steps, isNearest, spent } = planBudget(0.1, { ...process, restMacs: 2000 });
  assert.deepEqual([steps, isNearest], [3, true]);
  assert.ok(spent > 0.1);
});
