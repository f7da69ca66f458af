import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Precision } from '../../../shared/api.ts';
import { smallUNet, withTinyModel } from '../../../test/support/tiny-model.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { float32 } from '../../graph/tensor.ts';
import { gaussianNoise } from '../../noise.ts';
import { overPlanes, toRows } from '../../regions/rows.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import type { CalibrationRuns } from '../calibration.ts';
import { Components } from '../components.ts';
import { predictor } from '../denoise.ts';

const config = smallUNet([16, 32]);
const [TIMESTEP, TOKENS, HEIGHT, WIDTH] = [300, 5, 8, 12];
const DIMS = [4, HEIGHT, WIDTH] as const;
const LENGTH = 4 * HEIGHT * WIDTH;
const schedule = { timesteps: [TIMESTEP] };
const text = float32(gaussianNoise(1, 9, 2 * TOKENS * 12), [2, TOKENS, 12]);
const condition = { text, guidance: 1.5 };
const [original, other] = [gaussianNoise(1, 0, LENGTH), gaussianNoise(1, 1, LENGTH)];
const calibrationRuns: CalibrationRuns = async (run) => {
  await run(original, DIMS, TIMESTEP, condition);
};

const folder = await temporaryFolder();
const { PATCHWORK_CACHE } = process.env;
before(() => {
  process.env.PATCHWORK_CACHE = folder;
});
after(() => {
  if (PATCHWORK_CACHE === undefined) delete process.env.PATCHWORK_CACHE;
  else process.env.PATCHWORK_CACHE = PATCHWORK_CACHE;
});

/** Root mean square of the differences over that of the numbers. */
function relativeError(actual: Float32Array, expected: Float32Array): number {
  const squares = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
  assert.equal(actual.length, expected.length);
  return Math.sqrt(squares(actual.map((value, i) => value - expected[i]!)) / squares(expected));
}

/** The results of a precision in every way of computing: planes of a dense run, and rows of an edit. */
async function outputs(components: Components, precision: Precision) {
  const denoiser = components.denoiser({ precision });
  const plan = await denoiser.plan({ of: 'whole', height: HEIGHT, width: WIDTH }, 2);
  const dense = predictor(denoiser, plan, schedule, condition);
  const { editing, recording } = await components.forms.editing(
    { height: HEIGHT, width: WIDTH },
    { precision },
  );
  const recorder = await recording();
  const everywhere = recorder.dense(HEIGHT, WIDTH, 2);
  const all = everywhere.plan.levels[0]!.active;
  const pass = await recorder.run(everywhere, toRows(original, 1, 4, all), TIMESTEP, condition, {
    features: true,
  });
  const recordedPlanes = new Float32Array(LENGTH);
  overPlanes(recordedPlanes, pass.output, 1, 4, all);
  const recorded = recorder.recorded(everywhere, pass);
  const data = Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => Number(i % WIDTH < 4));
  const mask = { height: HEIGHT, width: WIDTH, data };
  const region = editing.region(mask, 2, 1);
  const at = region.plan.levels[0]!.active;
  const edited = await editing.run(region, toRows(other, 1, 4, at), TIMESTEP, condition, { recorded });
  const again = await editing.run(region, toRows(original, 1, 4, at), TIMESTEP, condition, { recorded });
  const full = recorder.region({ ...mask, data: data.map(() => 1) }, 2);
  const active = full.plan.levels[0]!.active;
  const whole = await recorder.run(full, toRows(original, 1, 4, active), TIMESTEP, condition, { recorded });
  const wholePlanes = new Float32Array(LENGTH);
  overPlanes(wholePlanes, whole.output, 1, 4, active);
  return {
    dense: await dense(original, 0),
    recorded: recordedPlanes,
    edited: edited.output,
    unchanged: { actual: again.output, expected: toRows(recordedPlanes, 1, 4, at) },
    whole: wholePlanes,
  };
}

// A network of random weights has no outliers, so calibrated and plainly rounded weights are held to the same bounds.
for (const [precision, bound] of [
  ['int8', 0.06],
  ['int4', 0.4],
] as const)
  for (const driven of [true, false])
    test(`${precision}, ${driven ? 'calibrated' : 'plainly rounded'}: near float32 in every way of computing`, () =>
      withTinyModel(config, async (model) => {
        const components = new Components(model, new NodeBackend(1), 1);
        try {
          await components.prepare(precision, driven ? calibrationRuns : undefined);
          const [expected, actual] = [
            await outputs(components, 'fp32'),
            await outputs(components, precision),
          ];
          for (const mode of ['dense', 'recorded', 'edited'] as const) {
            const error = relativeError(actual[mode], expected[mode]);
            assert.ok(error < bound, `${mode}: ${error}`);
            assert.ok(error > 1e-5, `${mode} is quantized`);
          }
          const { unchanged } = actual;
          assert.ok(relativeError(unchanged.actual, unchanged.expected) < bound);
          assert.ok(relativeError(actual.whole, actual.dense) < 1e-4, 'all positions active is dense');
          assert.ok(relativeError(actual.recorded, actual.dense) < 1e-4);
        } finally {
          await components.release();
        }
      }));

test('without room for the float32 network weights are rounded; with room they are calibrated later', () =>
  withTinyModel(config, async (model) => {
    process.env.PATCHWORK_CACHE = `${folder}/empty`;
    let runs = 0;
    const counted: CalibrationRuns = async (run) => {
      runs++;
      await calibrationRuns(run);
    };
    for (const [room, expected] of [
      [0, 0],
      [1e9, 1],
      [0, 1],
    ]) {
      const backend = Object.assign(new NodeBackend(1), { availableBytes: () => room! });
      const components = new Components(model, backend, 1);
      await components.prepare('int8', counted);
      assert.ok((await components.denoiserBytes('int8')) > 0);
      assert.equal(runs, expected);
      await components.release();
    }
    process.env.PATCHWORK_CACHE = folder;
  }));
