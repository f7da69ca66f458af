import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError } from '../errors.ts';
import { createScheduler } from './create.ts';

const TIMESTEPS = [999, 700, 350, 80];
const WEIGHTS = [
  [0.9, 0.2],
  [0.8, 0.5, -0.1],
  [0.5, 1.1, -0.4, 0.1],
  [0, 1.3, -0.4, 0.1],
];
const config = {
  _class_name: 'DPMSolverMultistepScheduler',
  beta_start: 0.00085,
  beta_end: 0.02,
  beta_schedule: 'scaled_linear',
  // The network's output is the clean sample.
  prediction_type: 'sample',
};
const learned = { ...config, learned_steps: [{ timesteps: TIMESTEPS, weights: WEIGHTS }] };
const sampler = (values: object, timesteps = TIMESTEPS) =>
  createScheduler(values, timesteps.length, undefined, { timesteps });

test('a step adds up the sample and the clean samples until then with the weights that were learnt', () => {
  const scheduler = sampler(learned);
  const clean = [2, -1, 0.5, 3];
  let sample = 1;
  for (const [i, [kept, ...weights]] of WEIGHTS.entries()) {
    const expected = weights.reduce((sum, weight, k) => sum + weight * clean[i - k]!, kept! * sample);
    [sample] = scheduler.step(Float32Array.of(clean[i]!), i, Float32Array.of(sample)) as unknown as [number];
    assert.ok(Math.abs(sample - expected) < 1e-6, `step ${i}`);
  }
});

test('where an edit begins, the clean sample that there is stands for those before it', () => {
  const scheduler = sampler(learned);
  const [first] = scheduler.step(Float32Array.of(2), 2, Float32Array.of(1));
  assert.ok(Math.abs(first! - (0.5 + 2 * (1.1 - 0.4 + 0.1))) < 1e-6);
  const [second] = scheduler.step(Float32Array.of(3), 3, Float32Array.of(first!));
  assert.ok(Math.abs(second! - (3 * 1.3 + 2 * (-0.4 + 0.1))) < 1e-6);
});

test('other timesteps, the sampler’s own among them, are computed by the formula', () => {
  const run = (values: object, timesteps?: number[]) => {
    const scheduler = createScheduler(values, 4, undefined, { timesteps });
    let sample = Float32Array.of(1);
    for (let i = 0; i < 4; i++) sample = scheduler.step(Float32Array.of(i + 1), i, sample) as typeof sample;
    return sample[0];
  };
  for (const timesteps of [undefined, [999, 700, 350, 81]])
    assert.equal(run(learned, timesteps), run(config, timesteps));
  assert.notEqual(run(learned, TIMESTEPS), run(config, TIMESTEPS));
});

test('weights that do not fit their steps are refused', () => {
  for (const weights of [
    WEIGHTS.slice(1),
    [...WEIGHTS.slice(0, 3), [0.1]],
    [[0.9, 0.2, 0.1], ...WEIGHTS.slice(1)],
    [[0.9, 1e9], ...WEIGHTS.slice(1)],
    [[0.9, 'x'], ...WEIGHTS.slice(1)],
  ])
    assert.throws(
      () => sampler({ ...config, learned_steps: [{ timesteps: TIMESTEPS, weights }] }),
      (error: Error) => error instanceof InputError && /learned_steps/.test(error.message),
    );
});
