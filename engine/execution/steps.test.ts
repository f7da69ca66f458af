import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  describeStepPlan,
  isInFull,
  readStepPlan,
  type StepKind,
  writeStepPlan,
} from '../../shared/stepPlan.ts';
import { assertClose } from '../../test/support/close.ts';
import { float32 } from '../graph/tensor.ts';
import { gaussianNoise } from '../noise.ts';
import type { Mask } from '../regions/mask.ts';
import { createScheduler } from '../schedulers/create.ts';
import { predictor } from './denoise.ts';
import { takePositions } from './latents.ts';
import { kindsFrom, kindsOf, wayOf } from './step-kinds.ts';
import { Steps, stepsMacs } from './steps.ts';
import { tinyCases, withTinyRows } from './unet/testing.ts';

const CONFIG = { _class_name: 'DPMSolverMultistepScheduler', prediction_type: 'v_prediction' };
const COUNT = 4;
const cases = fc.record(tinyCases({ min: 2, max: 9 }));
const kindLists = fc.array(fc.constantFrom<StepKind>('F', 'P', 'd', 'p', '-'), {
  minLength: 1,
  maxLength: 12,
});

const RUNS = { numRuns: 4 };

test('all steps in full give what the denoiser gives, bit by bit', async () => {
  await fc.assert(
    fc.asyncProperty(cases, ({ height, width, seed, batch, ...tiny }) =>
      withTinyRows({ ...tiny, height, width, seed, batch }, async ({ components, text }) => {
        const scheduler = createScheduler(CONFIG, COUNT);
        const condition = { text, guidance: 1.5 };
        const denoiser = components.denoiser({ precision: 'fp32' });
        const whole = { of: 'whole', height, width } as const;
        const plain = predictor(denoiser, await denoiser.plan(whole, batch), scheduler, condition);
        const steps = await Steps.open(denoiser, whole, scheduler, condition);
        const sample = gaussianNoise(seed, 1, 4 * height * width);
        for (let index = 0; index < COUNT; index++)
          assert.deepEqual((await steps.predict(sample, index)).output, await plain(sample, index));
      }),
    ),
    RUNS,
  );
});

test('a shallow step with the deep features of the same step gives what a full one gives', async () => {
  await fc.assert(
    fc.asyncProperty(cases, fc.boolean(), ({ height, width, seed, batch, ...tiny }, records) =>
      withTinyRows({ ...tiny, height, width, seed, batch }, async ({ components, text }) => {
        const condition = { text, guidance: 1.5 };
        const denoiser = components.denoiser({ precision: 'fp32' });
        const whole = { of: 'whole', height, width, records } as const;
        const giving = await denoiser.plan({ ...whole, depth: 'giving' }, batch);
        const shallow = await denoiser.plan({ ...whole, depth: 'shallow' }, batch);
        const sample = gaussianNoise(seed, 1, 4 * height * width);
        const full = await denoiser.predict(giving, sample, 500, condition);
        const again = await denoiser.predict(shallow, sample, 500, condition, { deep: full.deep! });
        assertClose(again.output, full.output, 1e-5);
        assert.ok(shallow.macs(5) < giving.macs(5));
      }),
    ),
    RUNS,
  );
});

test('a part of an unchanged image is computed as the whole image was, whatever its steps compute', async () => {
  const kinds: StepKind[] = ['F', 'd', '-', 'P', 'p'];
  await fc.assert(
    fc.asyncProperty(cases, ({ height, width, seed, ...tiny }) =>
      withTinyRows({ ...tiny, height, width, seed, batch: 2 }, async ({ components, text }) => {
        const scheduler = createScheduler(CONFIG, kinds.length);
        const condition = { text, guidance: 1.5 };
        const denoiser = components.denoiser({ precision: 'fp32' });
        const size = { height, width };
        const data = new Uint8Array(height * width);
        data[seed % data.length] = 1;
        const mask: Mask = { ...size, data };
        const whole = { of: 'whole', ...size, records: true } as const;
        const recording = await Steps.open(denoiser, whole, scheduler, condition, kinds);
        const region = await Steps.open(
          denoiser,
          { of: 'region', mask, ring: 1 },
          scheduler,
          condition,
          kinds,
        );
        const at = region.plan.positions!;
        for (const index of kinds.keys()) {
          const sample = gaussianNoise(seed, 1 + index, 4 * height * width);
          const { output, features } = await recording.predict(sample, index, { record: true });
          const part = takePositions(sample, height * width, at);
          const seen = features && { seen: features, record: true };
          const painted = await region.predict(part, index, seen);
          assertClose(painted.output, takePositions(output, height * width, at), 2e-4);
          if (features) await denoiser.updated(features, region.planAt(index)!, painted.features!);
        }
      }),
    ),
    RUNS,
  );
});

test('a forecast continues a clean sample that moves along a line over the timesteps', async () => {
  const scheduler = createScheduler(CONFIG, 3);
  const clean = (index: number) => 1 + scheduler.timesteps[index]! / 500;
  const sample = Float32Array.of(0.3, -0.7);
  // The network's output that makes this the clean sample.
  const outputFor = (index: number) => {
    const at = (output: number, x: number) =>
      scheduler.predictOriginal(Float32Array.of(output), index, Float32Array.of(x))[0]!;
    return sample.map((x) => (clean(index) - at(0, x)) / at(1, 0));
  };
  const denoiser = {
    ring: 0,
    reuses: false,
    plan: async () => ({}) as never,
    predict: async (_: unknown, __: unknown, timestep: number) => ({
      output: outputFor(scheduler.timesteps.indexOf(timestep)),
    }),
  };
  const condition = { text: float32(new Float32Array(1), [1, 1, 1]), guidance: 1 };
  const steps = await Steps.open(
    denoiser as never,
    { of: 'whole', height: 1, width: 2 },
    scheduler,
    condition,
    ['F', 'F', '-'],
  );
  for (const index of [0, 1]) await steps.predict(sample, index);
  const { output } = await steps.predict(sample, 2);
  assertClose(
    scheduler.predictOriginal(output, 2, sample),
    sample.map(() => clean(2)),
    1e-4,
  );
});

test('from any step on there is something to reuse, and a plan begun at its start stays as it is', () => {
  fc.assert(
    fc.property(kindLists, fc.nat(11), (kinds, from) => {
      const start = Math.min(from, kinds.length - 1);
      const computed = kindsFrom(kinds, start);
      assert.equal(computed.length, kinds.length - start);
      assert.ok(computed[0] === 'F' || computed[0] === 'P');
      for (const [index, kind] of computed.entries()) {
        const full = computed.slice(0, index).findLast((one) => one === 'F' || one === 'P');
        if (kind === 'd') assert.equal(full, 'F');
        if (kind === 'p') assert.ok(full);
      }
      assert.deepEqual(kindsFrom(computed, 0), computed);
    }),
  );
});

test('features of a step are distinguished by branches and by where its deep features come from', () => {
  const timesteps = [900, 700, 500, 300];
  const ways = (plan: string) => timesteps.map((_, i) => wayOf([...plan] as StepKind[], timesteps, i));
  assert.deepEqual(ways('FdP-'), ['', 'from 900', 'alone', undefined]);
  assert.deepEqual(ways('FFdp'), ['', '', 'from 700', 'alone from 700']);
});

test('plans that cannot be used are refused by name', () => {
  const scheduler = createScheduler(CONFIG, 3);
  const denoiser = { reuses: false } as never;
  const use = (stepPlan: string) => () => kindsOf({ stepPlan }, scheduler, denoiser);
  assert.throws(use('FFFF'), /The step plan FFFF cannot be used: it has 4 steps, and the image 3/);
  assert.throws(use('-FF'), /its first step must be computed in full/);
  assert.throws(use('FdF'), /no deep features/);
  assert.throws(use('FXF'), /The step plan FXF is not known/);
  assert.throws(
    use('F/-F'),
    /The step plan F\/-F cannot be used: its first step at the whole resolution must be computed in full/,
  );
  const ancestral = createScheduler(CONFIG, 3, 'euler-a');
  assert.throws(() => kindsOf({ stepPlan: 'FF-' }, ancestral, denoiser), /draws noise/);
  const heun = createScheduler(CONFIG, 2, 'heun');
  assert.throws(() => kindsOf({ stepPlan: 'FF-' }, heun, denoiser), /twice in a step/);
  assert.throws(() => kindsOf({ stepPlan: 'F/FF' }, heun, denoiser), /all steps have one resolution/);
  assert.equal(kindsOf({ stepPlan: 'FFF' }, heun, denoiser), undefined);
  assert.equal(use('FFF')(), undefined);
  assert.deepEqual(use('FP-')(), ['F', 'P', '-']);
});

test('what steps cost is counted from the network that each of them runs', async () => {
  await fc.assert(
    fc.asyncProperty(cases, ({ height, width, seed, ...tiny }) =>
      withTinyRows({ ...tiny, height, width, seed, batch: 2 }, async ({ components, text }) => {
        const denoiser = components.denoiser({ precision: 'fp32' });
        const cost = (plan: string) =>
          stepsMacs(denoiser, [...plan] as StepKind[], { height, width }, { text, guidance: 2 });
        assert.equal(cost('F-'), cost('F'));
        assert.ok(cost('Fd') < 2 * cost('F'));
        assert.ok(cost('p') < cost('d') && cost('P') < cost('F'));
      }),
    ),
    { numRuns: 3 },
  );
});

test('a plan is read as it was written, and its first steps may be at half the resolution', () => {
  const kinds = fc.array(fc.constantFrom<StepKind>('F', 'P', 'd', 'p', '-'), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(kinds, fc.nat(29), (kinds, first) => {
      const plan = first > 0 && first < kinds.length ? { kinds, half: first } : { kinds };
      assert.deepEqual(readStepPlan(writeStepPlan(plan)), plan);
    }),
  );
  assert.equal(readStepPlan('/FF'), undefined);
  assert.equal(readStepPlan('FF/'), undefined);
  assert.equal(readStepPlan('F/F/F'), undefined);
  assert.equal(
    describeStepPlan(readStepPlan('FF/FP')!),
    '4 steps, 2 at half the resolution, 1 without guidance',
  );
  assert.deepEqual(['FF/F', 'FFF', 'FP/F', 'F/F 9 1', 'F/F @a.safetensors', undefined].map(isInFull), [
    true,
    true,
    false,
    false,
    false,
    true,
  ]);
});
