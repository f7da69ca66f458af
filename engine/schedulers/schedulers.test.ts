import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { SCHEDULERS, type SchedulerName, SIGMA_SPACINGS, type SigmaSpacing } from '../../shared/api.ts';
import { InputError } from '../errors.ts';
import { createScheduler, schedulerNameOf, schedulersFor } from './create.ts';
import { PREDICTION_TYPES, type PredictionType } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';

interface Reference {
  steps: number;
  timesteps: number[];
  config: Record<string, unknown>;
}

/** Timesteps that diffusers 0.27.2 chose, by sampler (an extract of the parity pack). */
const references: Record<string, Reference> = JSON.parse(
  await readFile(path.join(import.meta.dirname, '../../test/fixtures/schedulers/tiny-sd15.json'), 'utf8'),
);
const ddim = references.ddim!.config;
const finalZero = { set_alpha_to_one: true, final_sigmas_type: 'zero' };

/** alpha and sigma of a step: a sample there is alpha · clean + sigma · noise. */
function levelAt(scheduler: Scheduler, index: number): { alpha: number; sigma: number } {
  const zero = new Float32Array(1);
  const one = Float32Array.of(1);
  return {
    alpha: scheduler.addNoise(one, zero, index)[0]!,
    sigma: scheduler.addNoise(zero, one, index)[0]!,
  };
}

/** Configs of every noise process, with what their networks predict. */
const PROCESSES: readonly (readonly [
  prediction: PredictionType | 'angles',
  config: Record<string, unknown>,
])[] = [
  ...PREDICTION_TYPES.filter((prediction) => prediction !== 'flow_prediction').map(
    (prediction) => [prediction, { ...ddim, ...finalZero, prediction_type: prediction }] as const,
  ),
  ['flow_prediction', { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 }],
  [
    'flow_prediction',
    {
      _class_name: 'DPMSolverMultistepScheduler',
      prediction_type: 'flow_prediction',
      use_flow_sigmas: true,
      flow_shift: 2,
    },
  ],
  ['angles', { _class_name: 'SCMScheduler', sigma_data: 0.5 }],
];
const processesOf = (name: SchedulerName) =>
  PROCESSES.filter(([, config]) => schedulersFor(config).includes(name));

/** The output of a perfect network for a sample, given the clean sample. */
function exactOutput(
  scheduler: Scheduler,
  prediction: PredictionType | 'angles',
  index: number,
  sample: Float32Array,
  clean: Float32Array,
): Float32Array {
  const { alpha, sigma } = levelAt(scheduler, index);
  const norm = Math.hypot(alpha, sigma);
  // The flow's velocity at the flow's own time, from the sample in the flow's scale.
  const time = scheduler.timesteps[index]!;
  return sample.map((x, i) => {
    if (prediction === 'angles') {
      const scaled = scheduler.scaleInput(Float32Array.of(x), index)[0]!;
      return (scaled - clean[i]!) / time;
    }
    const noise = (x - alpha * clean[i]!) / sigma;
    if (prediction === 'epsilon') return noise;
    if (prediction === 'sample') return clean[i]!;
    if (prediction === 'flow_prediction') return noise - clean[i]!;
    return (alpha * noise - sigma * clean[i]!) / norm;
  });
}

function assertClose(actual: Float32Array, expected: Float32Array, tolerance: number) {
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) <= tolerance, `${value} is not ${expected[i]}`);
  });
}

test('timesteps are those of diffusers', () => {
  for (const [name, { config, steps, timesteps }] of Object.entries(references)) {
    const scheduler = createScheduler(config, steps);
    assert.deepEqual([...scheduler.timesteps].map(Math.fround), timesteps, name);
  }
});

test('the starting noise has the deviation of the first level', () => {
  const sigma = (name: string) => createScheduler(references[name]!.config, 6).initNoiseSigma;
  for (const name of ['ddim', 'lcm', 'unipc', 'dpmpp_2m', 'dpmpp_2m_karras']) assert.equal(sigma(name), 1);
  assert.ok(Math.abs(sigma('euler_trailing') - 14.61465) < 1e-4);
  assert.ok(Math.abs(sigma('euler') - 5.99051) < 1e-4);
});

for (const name of SCHEDULERS) {
  /** TCD ends at timestep 0, where some noise is left. */
  const left = name === 'tcd' ? 0.2 : undefined;

  test(`${name}: a network that knows the clean sample leads to it`, () => {
    const clean = Float32Array.of(0.5, -0.25, 0.9, 0);
    const noise = Float32Array.of(0.3, -1.2, 0.1, 2);
    for (const [prediction, config] of processesOf(name)) {
      const scheduler = createScheduler(config, 8, name);
      let sample: Float32Array = noise.map((value) => value * scheduler.initNoiseSigma);
      for (let i = 0; i < scheduler.timesteps.length; i++) {
        const output = exactOutput(scheduler, prediction, i, sample, clean);
        sample = scheduler.step(output, i, sample, noise);
      }
      assertClose(sample, clean, left ?? 1e-3);
    }
  });

  test(`${name}: predictOriginal undoes addNoise`, () => {
    const clean = Float32Array.of(0.5, -0.25, 0.9, 0);
    const noise = Float32Array.of(0.3, -1.2, 0.1, 2);
    for (const [prediction, config] of processesOf(name)) {
      const scheduler = createScheduler(config, 5, name);
      for (let i = 0; i < 5; i++) {
        const sample = scheduler.addNoise(clean, noise, i);
        const output = exactOutput(scheduler, prediction, i, sample, clean);
        assertClose(scheduler.predictOriginal(output, i, sample), clean, 1e-4);
      }
    }
  });

  test(`${name}: starts in the middle, as an edit of partial strength does`, () => {
    const [prediction, config] = processesOf(name)[0]!;
    const scheduler = createScheduler(config, 8, name);
    const clean = Float32Array.of(0.4);
    let sample = scheduler.addNoise(clean, Float32Array.of(-0.7), 4);
    for (let i = 4; i < scheduler.timesteps.length; i++) {
      const output = exactOutput(scheduler, prediction, i, sample, clean);
      sample = scheduler.step(output, i, sample, Float32Array.of(0.2));
    }
    assertClose(sample, clean, left ?? 1e-3);
  });
}

/**
 * Relative error at the end for data of standard deviation ½, where the best network is linear and the
 * probability flow has a closed solution: the sample's deviation follows √(¼ alpha² + sigma²).
 */
function gaussianError(config: Record<string, unknown>, steps: number): number {
  const scheduler = createScheduler(config, steps);
  const variance = 0.25;
  const deviation = (alpha: number, sigma: number) => Math.sqrt(variance * alpha ** 2 + sigma ** 2);
  const first = levelAt(scheduler, 0);
  const start = deviation(first.alpha, first.sigma);
  let sample: Float32Array = Float32Array.of(start);
  for (let i = 0; i < steps; i++) {
    const { alpha, sigma } = levelAt(scheduler, i);
    const output = sample.map((x) => (sigma * x) / (variance * alpha ** 2 + sigma ** 2));
    sample = scheduler.step(output, i, sample);
  }
  // σ at timestep 0 with these betas, where the solvers with sigma_min end.
  const last = Math.sqrt(0.00085 / (1 - 0.00085));
  const alpha = 1 / Math.sqrt(1 + last ** 2);
  return Math.abs(sample[0]! / deviation(alpha, last * alpha) - 1);
}

test('solvers converge at their order', () => {
  const solver = {
    ...ddim,
    timestep_spacing: 'linspace',
    final_sigmas_type: 'sigma_min',
    use_karras_sigmas: true,
  };
  const cases = [
    ['DPMSolverMultistepScheduler', 1, 'midpoint', 1],
    ['DPMSolverMultistepScheduler', 2, 'midpoint', 2],
    ['DPMSolverMultistepScheduler', 2, 'heun', 2],
    // Its first steps are taken at lower order, which is what remains here.
    ['DPMSolverMultistepScheduler', 3, 'midpoint', 2],
    ['UniPCMultistepScheduler', 1, 'bh1', 2],
    ['UniPCMultistepScheduler', 2, 'bh2', 3],
    ['UniPCMultistepScheduler', 3, 'bh1', 3.5],
  ] as const;
  for (const [_class_name, solver_order, solver_type, order] of cases) {
    const config = { ...solver, _class_name, solver_order, solver_type, lower_order_final: false };
    const coarse = gaussianError(config, 20);
    const fine = gaussianError(config, 40);
    const measured = Math.log2(coarse / fine);
    assert.ok(measured > order - 0.35, `${_class_name} ${solver_order}: order ${measured}, ${fine}`);
  }
});

/** Samplers of diffusion, which most configs describe. */
const DIFFUSION = schedulersFor(ddim);

test('every spacing and Karras sigmas go down within the training timesteps', () => {
  for (const timestep_spacing of ['leading', 'linspace', 'trailing']) {
    for (const use_karras_sigmas of [false, true]) {
      for (const name of DIFFUSION) {
        for (const steps of [1, 2, 7, 20, 50]) {
          const config = { ...ddim, timestep_spacing, use_karras_sigmas };
          const { timesteps, runs = 1 } = createScheduler(config, steps, name);
          assert.equal(timesteps.length, runs * (steps - 1) + 1);
          assert.ok(timesteps.every((t, i) => t >= 0 && t <= 999 && (i === 0 || t <= timesteps[i - 1]!)));
        }
      }
    }
  }
});

/** The noise level of each step, in units of the clean sample. */
const levelsOf = (scheduler: Scheduler) =>
  scheduler.timesteps.map((_, index) => {
    const { alpha, sigma } = levelAt(scheduler, index);
    return sigma / alpha;
  });
const near = (actual: readonly number[], expected: readonly number[]) => {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of actual.entries())
    assert.ok(Math.abs(value / expected[i]! - 1) < 2e-3, `${i}: ${value}`);
};

test('sigmas that the user asks for are those of k-diffusion and of NVIDIA’s tables', () => {
  const sd = { ...ddim, beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };
  const levels = (steps: number, sigmas: SigmaSpacing, isXl = false, name: SchedulerName = 'dpmpp-2m') =>
    levelsOf(createScheduler(sd, steps, name, { sigmas, isXl }));
  // np.exp(np.linspace(np.log(14.6146), np.log(0.0292), 5))
  near(levels(5, 'exponential'), [14.6146, 3.089839, 0.653258, 0.138113, 0.0292]);
  near(levels(3, 'karras'), [14.6146, 1.274516, 0.0292]);
  near(levels(10, 'ays'), [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152]);
  near(levels(10, 'ays', true), [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.38, 0.234, 0.113]);
  // np.interp over the logarithms of the table, for one level more than steps.
  near(levels(4, 'ays'), [14.615, 3.226936, 1.396, 0.510047]);
  near(levels(4, 'ays', true), [14.615, 2.867848, 0.862, 0.298195]);
  near(
    levels(15, 'ays', true),
    [
      14.615, 8.353116, 5.31783, 3.771, 2.617717, 1.855046, 1.342, 0.999054, 0.744336, 0.555, 0.431142,
      0.323292, 0.234, 0.144032, 0.07181,
    ],
  );
  for (const name of ['euler', 'euler-a', 'dpmpp-2m-sde', 'deis', 'er-sde', 'unipc'] as const)
    for (const sigmas of SIGMA_SPACINGS) near(levels(6, sigmas, false, name), levels(6, sigmas));
  for (const name of ['heun', 'dpm2', 'dpmpp-sde', 'dpmpp-2s-a'] as const)
    near(
      levels(6, 'ays', false, name).filter((_, i) => i % 2 === 0),
      levels(6, 'ays'),
    );
  near(levels(6, 'exponential', false, 'dpmpp-2m-karras'), levels(6, 'exponential'));
});

test('a config may ask for exponential sigmas, as diffusers writes it; samplers without levels refuse them', () => {
  const config = { ...references.dpmpp_2m!.config, use_exponential_sigmas: true };
  near(
    levelsOf(createScheduler(config, 6)),
    levelsOf(createScheduler(references.dpmpp_2m!.config, 6, undefined, { sigmas: 'exponential' })),
  );
  for (const name of ['ddim', 'lcm', 'tcd'] as const)
    assert.throws(
      () => createScheduler(ddim, 4, name, { sigmas: 'ays' }),
      new RegExp(`scheduler ${name} spaces its noise levels itself; with sigmas use euler`),
    );
  assert.throws(
    () =>
      createScheduler({ _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 }, 4, undefined, {
        sigmas: 'karras',
      }),
    /leave out the sigmas/,
  );
});

test('zero terminal SNR: v-prediction starts from pure noise, epsilon is refused where it means nothing', () => {
  const config = { ...ddim, rescale_betas_zero_snr: true, timestep_spacing: 'trailing' };
  const scheduler = createScheduler({ ...config, prediction_type: 'v_prediction' }, 4);
  assert.deepEqual(levelAt(scheduler, 0), { alpha: 0, sigma: 1 });
  const original = scheduler.predictOriginal(Float32Array.of(0.5), 0, Float32Array.of(1));
  assert.deepEqual([...original], [-0.5]);
  assert.throws(() => createScheduler(config, 4), InputError);
  assert.ok(Math.abs(createScheduler(config, 4, 'euler').initNoiseSigma - 4096) < 1);
});

test('configs of classes that are not here: a stand-in, an override, or a clear error', () => {
  const pndm = { ...ddim, _class_name: 'PNDMScheduler', skip_prk_steps: true, clip_sample: undefined };
  assert.deepEqual(createScheduler(pndm, 6).timesteps, createScheduler(ddim, 6).timesteps);
  const lms = { ...ddim, _class_name: 'LMSDiscreteScheduler', timestep_spacing: undefined };
  assert.equal(createScheduler(lms, 6).timesteps[0], 999);
  const heun = { ...ddim, _class_name: 'HeunDiscreteScheduler' };
  assert.equal(createScheduler(heun, 6, 'euler').timesteps.length, 6);
  assert.throws(() => createScheduler(heun, 6), /HeunDiscreteScheduler.*not supported.*dpmpp-2m/);
  const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler' };
  assert.equal(createScheduler(flow, 6, 'dpmpp-2m').timesteps.length, 6);
  assert.throws(() => createScheduler({ _class_name: 'EDMEulerScheduler' }, 6, 'euler'), /"EDMEuler.*DDIM/);
  // For another process the error names the usable samplers.
  for (const config of [flow, { ...ddim, use_flow_sigmas: true }])
    assert.throws(() => createScheduler(config, 6, 'euler'), /another kind of model.*dpmpp-2m, flow-euler/);
  assert.throws(() => createScheduler(ddim, 6, 'flow-euler'), /another kind of model.*ddim, euler/);
  assert.throws(() => createScheduler({ _class_name: 'SCMScheduler' }, 2, 'lcm'), /this one: scm/);
  assert.throws(() => createScheduler({ _class_name: 'IPNDMScheduler' }, 6, 'euler'), /"IPNDM.*DDIM/);
  for (const _class_name of [
    'DEISMultistepScheduler',
    'IPNDMScheduler',
    'TCDScheduler',
    'SomethingNewScheduler',
    undefined,
  ])
    for (const name of DIFFUSION)
      assert.deepEqual(
        createScheduler({ ...ddim, _class_name }, 6, name).timesteps,
        createScheduler({ ...ddim, _class_name: 'DDPMScheduler' }, 6, name).timesteps,
      );
  assert.throws(() => createScheduler({ _class_name: { toString: 1 } }, 6), InputError);
});

test('an override keeps what the config says and takes the sampler’s defaults for the rest', () => {
  const { timestep_spacing: _, ...unsaid } = ddim;
  assert.deepEqual(createScheduler(unsaid, 6, 'euler').timesteps[0], 999);
  assert.deepEqual(
    createScheduler(ddim, 6, 'euler').timesteps,
    createScheduler(references.euler!.config, 6).timesteps,
  );
  const karras = references.dpmpp_2m_karras!;
  assert.deepEqual(
    createScheduler(references.unipc!.config, 6, 'dpmpp-2m-karras').timesteps,
    karras.timesteps,
  );
  assert.deepEqual(createScheduler(karras.config, 6, 'dpmpp-2m').timesteps, references.dpmpp_2m!.timesteps);
});

test('the sampler of a config has a name, and choosing it by that name changes nothing', () => {
  assert.equal(schedulerNameOf(references.dpmpp_2m_karras!.config), 'dpmpp-2m-karras');
  assert.equal(schedulerNameOf({ _class_name: 'PNDMScheduler' }), 'ddim');
  assert.throws(() => schedulerNameOf({ _class_name: 'Other' }), InputError);
  for (const { config, timesteps } of Object.values(references)) {
    const scheduler = createScheduler(config, 6, schedulerNameOf(config));
    assert.deepEqual([...scheduler.timesteps].map(Math.fround), timesteps);
  }
});

test('a sampler that is chosen is not refused for what its relative’s config says', () => {
  const sde = { ...references.dpmpp_2m!.config, algorithm_type: 'sde-dpmsolver++' };
  assert.throws(() => createScheduler(sde, 6), /algorithm_type.*"sde-dpmsolver\+\+"/);
  assert.deepEqual(createScheduler(sde, 6, 'dpmpp-2m').timesteps, references.dpmpp_2m!.timesteps);
});

test('fields that a sampler does not read change nothing; those that it would have to read are refused by name', () => {
  const bare = createScheduler(ddim, 6, 'euler').timesteps;
  for (const values of [
    { variance_type: 'fixed_small' },
    { variance_type: 'fixed_large' },
    { thresholding: true },
    { use_lu_lambdas: true },
    { algorithm_type: 'sde-dpmsolver++' },
    { clip_sample: true, sample_max_value: 1, skip_prk_steps: true },
  ])
    assert.deepEqual(createScheduler({ ...ddim, ...values }, 6, 'euler').timesteps, bare);
  for (const name of DIFFUSION)
    for (const variance_type of ['learned', 'learned_range'])
      assert.throws(() => createScheduler({ ...ddim, variance_type }, 6, name), /variance_type.*"learned/);
  for (const field of ['thresholding', 'use_lu_lambdas', 'use_beta_sigmas'])
    assert.throws(() => createScheduler({ ...ddim, [field]: true }, 6, 'dpmpp-2m'), new RegExp(field));
});

test('hostile configs are refused with the field named', () => {
  const wrong: [string, unknown][] = [
    ['num_train_timesteps', 1e12],
    ['num_train_timesteps', 1.5],
    ['num_train_timesteps', '1000'],
    ['beta_start', Number.NaN],
    ['beta_end', -1],
    ['beta_end', 5],
    ['beta_schedule', 'exotic'],
    ['trained_betas', 'x'],
    ['prediction_type', 'flow'],
    ['timestep_spacing', 'odd'],
    ['steps_offset', -3],
    ['thresholding', true],
    ['clip_sample', 'no'],
    ['set_alpha_to_one', 1],
  ];
  for (const [key, value] of wrong) {
    assert.throws(
      () => createScheduler({ ...ddim, [key]: value }, 6),
      (error) => error instanceof InputError && error.message.includes(key),
      key,
    );
  }
  for (const values of [
    { trained_betas: [0.1, 0.2] },
    { beta_start: 0, beta_end: 0 },
    { steps_offset: 900 },
  ]) {
    assert.throws(() => createScheduler({ ...ddim, ...values }, 6), InputError);
  }
  for (const config of [null, [], 'x', 4, {}]) assert.throws(() => createScheduler(config, 6), InputError);
  for (const steps of [0, -1, 1.5, Number.NaN, 1001])
    assert.throws(() => createScheduler(ddim, steps), InputError);
  assert.throws(() => createScheduler(ddim, 51, 'lcm'), /from 1 to 50/);
});

test('steps can be placed where the sampler takes it', () => {
  const config = { _class_name: 'DPMSolverMultistepScheduler', timestep_spacing: 'trailing' };
  const own = createScheduler(config, 4);
  const placed = createScheduler(config, 4, undefined, { timesteps: own.timesteps });
  const values = Float32Array.of(0.5, -1);
  assert.deepEqual(placed.timesteps, own.timesteps);
  assert.deepEqual(placed.step(values, 0, values), own.step(values, 0, values));
  assert.deepEqual(createScheduler(config, 2, undefined, { timesteps: [900, 30] }).timesteps, [900, 30]);
  assert.throws(() => createScheduler(config, 2, undefined, { timesteps: [1000, 30] }), /below 1000/);
  assert.throws(
    () => createScheduler(config, 2, 'euler-a', { timesteps: [900, 30] }),
    /places its steps itself/,
  );
});

test('TCD: a step leads to the noise of the next level, some of it kept and some fresh', () => {
  const scheduler = createScheduler({ ...ddim, ...finalZero }, 4, 'tcd');
  assert.deepEqual([...scheduler.timesteps], [999, 759, 499, 259]);
  const zero = Float32Array.of(0);
  const one = Float32Array.of(1);
  for (let i = 0; i < 3; i++) {
    const next = levelAt(scheduler, i + 1);
    const { sigma } = levelAt(scheduler, i);
    const kept = scheduler.step(one, i, Float32Array.of(sigma), zero)[0]!;
    const fresh = scheduler.step(zero, i, zero, one)[0]!;
    assert.ok(Math.abs(Math.hypot(kept, fresh) - next.sigma) < 1e-6);
    assert.ok(kept > 0 && fresh > 0);
  }
  // The next level's share of the clean sample.
  const { alpha } = levelAt(scheduler, 1);
  const clean = scheduler.step(zero, 0, Float32Array.of(levelAt(scheduler, 0).alpha), zero)[0]!;
  assert.ok(Math.abs(clean - alpha) < 1e-6);
  assert.equal(schedulerNameOf({ _class_name: 'TCDScheduler' }), 'tcd');
});
