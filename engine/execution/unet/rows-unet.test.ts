import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { assertClose } from '../../../test/support/close.ts';
import { CROSS, smallUNet, withTinyModel } from '../../../test/support/tiny-model.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { float32 } from '../../graph/tensor.ts';
import { gaussianNoise, gaussianTensor } from '../../noise.ts';
import { MOMENTS, normsByLevel, partsName } from '../../regions/features.ts';
import type { Mask } from '../../regions/mask.ts';
import { type Recorded, type RecordedRows, readRows } from '../../regions/recorded.ts';
import { overPlanes, toRows } from '../../regions/rows.ts';
import { Components } from '../components.ts';
import type { Condition } from '../condition.ts';
import type { RowsOptions } from '../forms/form.ts';
import { planarPredict, rowsPredict } from './predict.ts';
import type { RowsUNet } from './rows-unet.ts';
import { TIMESTEP, tinyCases, withTinyRows } from './testing.ts';

const cases = fc.record({
  ...tinyCases({ min: 1, max: 13 }),
  density: fc.double({ min: 0.05, max: 0.9, noNaN: true }),
});

interface Setting {
  unet: RowsUNet;
  /** The same with recorded statistics only. */
  lean: RowsUNet;
  /** The same for whole pictures that are not recorded. */
  drawing: RowsUNet;
  planar: (sample: Float32Array) => Promise<Float32Array>;
  condition: Condition;
  height: number;
  width: number;
  batch: number;
  mask: Mask;
  noise: (stream: number) => Float32Array;
}

const check = (
  property: (setting: Setting) => Promise<void>,
  {
    storage = 'float32',
    attention = 'full',
    statistics = 'any',
  }: Partial<Pick<RowsOptions, 'storage' | 'attention' | 'statistics'>> = {},
  settings: typeof cases = cases,
) =>
  fc.assert(
    fc.asyncProperty(settings, ({ height, width, batch, seed, density, ...tiny }) =>
      withTinyRows({ ...tiny, height, width, batch, seed }, async ({ components, rows, text }) => {
        const unet = await rows({ storage, attention, statistics });
        const lean = await rows({ storage, attention, statistics: 'recorded' });
        const drawing = await rows({ storage, attention, statistics: 'fresh' });
        const condition = { text, guidance: 1.5 };
        const schedule = { timesteps: [TIMESTEP] };
        const predict = planarPredict(
          await components.program('denoiser'),
          schedule,
          [4, height, width],
          condition,
        );
        const random = gaussianNoise(seed, 98, height * width);
        const threshold = 1 - 2 * density;
        const data = Uint8Array.from(random, (value) => Number(Math.tanh(value) > threshold));
        data[seed % data.length] = 1;
        await property({
          unet,
          lean,
          drawing,
          planar: (sample) => predict(sample, 0),
          condition,
          height,
          width,
          batch,
          mask: { height, width, data },
          noise: (stream) => gaussianNoise(seed, stream, 4 * height * width),
        });
      }),
    ),
    { numRuns: 5 },
  );

/** A dense pass over planes [4, H, W]; returns planes and what was recorded. */
async function record({ unet, condition, height, width, batch }: Setting, planes: Float32Array) {
  const region = unet.dense(height, width, batch);
  const { active } = region.plan.levels[0]!;
  const rows = toRows(planes, 1, 4, active);
  const result = await unet.run(region, rows, TIMESTEP, condition, { features: true });
  const output = new Float32Array(planes.length);
  overPlanes(output, result.output, 1, 4, active);
  return { output, recorded: unet.recorded(region, result) };
}

/** Group norm multiplies what is rounded by its scale, which is large where a group has few and nearly equal values. */
function magnified(tolerance: number, recorded: Recorded): number {
  const named = (prefix: string) => [...recorded].filter(([name]) => name.startsWith(prefix));
  const scales = named('scale.').flatMap(([, rows]) => Array.from(levelOf(rows), Math.abs));
  // Where they are not recorded: one divided by the deviation, as gains are near 1.
  const own = named(MOMENTS).flatMap(([, rows]) => {
    const all = Array.from(levelOf(rows));
    const half = all.length / 2;
    return all.slice(0, half).map((mean, i) => 1 / Math.sqrt(Math.max(0, all[half + i]! - mean ** 2) + 1e-5));
  });
  return tolerance * Math.max(1, Math.max(...(scales.length > 0 ? scales : own)) / 100);
}

/** Planes computed by the form for whole pictures. */
async function draw({ drawing, condition, height, width, batch }: Setting, planes: Float32Array) {
  const region = drawing.dense(height, width, batch);
  const { active } = region.plan.levels[0]!;
  const { output } = await drawing.run(region, toRows(planes, 1, 4, active), TIMESTEP, condition);
  const drawn = new Float32Array(planes.length);
  overPlanes(drawn, output, 1, 4, active);
  return drawn;
}

test('with composed statistics: all positions active, the planar network; unchanged, the recorded output', () =>
  check(
    async (setting) => {
      const { unet, condition, batch, mask } = setting;
      const planes = setting.noise(0);
      const { output, recorded } = await record(setting, planes);
      assertClose(output, await setting.planar(planes), magnified(1e-4, recorded));
      const region = unet.region(mask, batch, 1);
      const rows = toRows(planes, 1, 4, region.plan.levels[0]!.active);
      const again = await unet.run(region, rows, TIMESTEP, condition, { recorded });
      assertClose(
        again.output,
        toRows(output, 1, 4, region.plan.levels[0]!.active),
        magnified(1e-4, recorded),
      );
    },
    { statistics: 'composed' },
  ));

test('composed statistics are those of all rows, the fresh ones and the recorded ones, edit after edit', () =>
  check(
    async (setting) => {
      const { unet, condition, batch, mask } = setting;
      let { recorded } = await record(setting, setting.noise(0));
      const masks = [mask, { ...mask, data: mask.data.map((value, i) => Number(!value || i % 3 === 0)) }];
      for (const [i, part] of masks.entries()) {
        const region = unet.region(part, batch);
        if (region.rows === 0) continue;
        const edited = toRows(setting.noise(i + 1), 1, 4, region.plan.levels[0]!.active);
        const pass = await unet.run(region, edited, TIMESTEP, condition, { recorded, features: true });
        recorded = unet.updated(recorded, region, pass);
        const levels = normsByLevel(unet.form(batch).features);
        const all = levelOf(recorded.get(MOMENTS)!) as Float32Array;
        const across = all.length / (2 * batch);
        for (const { level, from, groups } of levels) {
          const { height, width } = region.plan.levels[level]!;
          const every = Int32Array.from({ length: height * width }, (_, row) => row);
          const rows = new Float32Array(2 * batch * every.length * groups);
          readRows(recorded.get(partsName(level))!, 2 * batch, groups, every, 0, rows);
          const mean = Float32Array.from({ length: 2 * batch * groups }, (_, at) => {
            const [b, g] = [Math.floor(at / groups), at % groups];
            let sum = 0;
            for (const row of every) sum += rows[(b * every.length + row) * groups + g]!;
            return sum / every.length;
          });
          const own = mean.map((_, at) => all[Math.floor(at / groups) * across + from + (at % groups)]!);
          assertClose(own, mean, 1e-4);
        }
      }
    },
    { statistics: 'composed' },
  ));

test('all positions active: the planar network, at any size', () =>
  check(async (setting) => {
    const planes = setting.noise(0);
    const { output, recorded } = await record(setting, planes);
    assertClose(output, await setting.planar(planes), magnified(1e-4, recorded));
    assertClose(await draw(setting, planes), output, magnified(1e-5, recorded));
  }));

test('without recording it draws the same with keys sampled, and refuses a part of a picture', () =>
  check(
    async (setting) => {
      const planes = setting.noise(0);
      const { output, recorded } = await record(setting, planes);
      assertClose(await draw(setting, planes), output, magnified(1e-5, recorded));
      const { drawing, mask, batch, condition } = setting;
      if (mask.data.length === 1) return;
      const region = drawing.region({ ...mask, data: mask.data.map((_, i) => Number(i === 0)) }, batch);
      const rows = new Float32Array(4 * region.rows);
      await assert.rejects(drawing.run(region, rows, TIMESTEP, condition), /whole pictures only/);
    },
    { attention: 'sampled' },
  ));

test('an unchanged input gives the recorded output', () =>
  check(async (setting) => {
    const { unet, condition, batch, mask } = setting;
    const planes = setting.noise(0);
    const { output, recorded } = await record(setting, planes);
    const region = unet.region(mask, batch);
    const { active } = region.plan.levels[0]!;
    const again = await unet.run(region, toRows(planes, 1, 4, active), TIMESTEP, condition, { recorded });
    assertClose(again.output, toRows(output, 1, 4, active), magnified(1e-4, recorded));
  }));

test('sampled attention on a large map: an unchanged input gives the recorded output', () => {
  const large = cases.map((setting) => ({ ...setting, height: 64, width: 66 }));
  return check(
    async (setting) => {
      const { unet, condition, batch, mask } = setting;
      const planes = setting.noise(0);
      const { output, recorded } = await record(setting, planes);
      const region = unet.region(mask, batch);
      const { active } = region.plan.levels[0]!;
      const pass = await unet.run(region, toRows(planes, 1, 4, active), TIMESTEP, condition, {
        recorded,
        features: true,
      });
      assertClose(pass.output, toRows(output, 1, 4, active), magnified(1e-4, recorded));
      for (const [name, rows] of unet.updated(recorded, region, pass))
        assert.equal(levelOf(rows).length, levelOf(recorded.get(name)!).length);
      const keys = [...recorded].find(([name]) => name.startsWith('keys.down_blocks.0'));
      if (keys) assert.equal(levelOf(keys[1]).length, (batch * 8 * 64 * 66) / 4);
    },
    { attention: 'sampled' },
    large,
  );
});

/** The rows of a whole level, without those laid over them. */
const levelOf = (rows: RecordedRows) => ('base' in rows ? rows.base : rows);

test('an update makes the store what a pass over the edited part saw', () =>
  check(async (setting) => {
    const { unet, condition, batch, mask } = setting;
    const { recorded } = await record(setting, setting.noise(0));
    const region = unet.region(mask, batch);
    const edited = toRows(setting.noise(1), 1, 4, region.plan.levels[0]!.active);
    const first = await unet.run(region, edited, TIMESTEP, condition, { recorded, features: true });
    const updated = unet.updated(recorded, region, first);
    const second = await unet.run(region, edited, TIMESTEP, condition, { recorded: updated });
    assertClose(second.output, first.output, magnified(1e-4, recorded));
    const elsewhere = unet.region({ ...mask, data: mask.data.map((value) => 1 - value) }, batch);
    if (elsewhere.rows === 0) return;
    const rows = toRows(setting.noise(0), 1, 4, elsewhere.plan.levels[0]!.active);
    const beside = await unet.run(elsewhere, rows, TIMESTEP, condition, { recorded: updated });
    assert.ok(beside.output.every(Number.isFinite));
  }));

for (const storage of ['float32', 'int8'] as const)
  test(`where a mask covers everything, an update is a record of its own, moments included: ${storage}`, () =>
    check(
      async (setting) => {
        const { unet, condition, batch, mask } = setting;
        const { recorded } = await record(setting, setting.noise(0));
        const edited = setting.noise(1);
        const { recorded: own } = await record(setting, edited);
        const region = unet.region({ ...mask, data: mask.data.map(() => 1) }, batch);
        const rows = toRows(edited, 1, 4, region.plan.levels[0]!.active);
        const pass = await unet.run(region, rows, TIMESTEP, condition, { recorded, features: true });
        assert.deepEqual(unet.updated(recorded, region, pass), own);
      },
      { storage },
    ));

test('with recorded statistics only: the same output and features', () =>
  check(async ({ unet, lean, condition, batch, mask, noise, ...setting }) => {
    const { recorded } = await record({ unet, lean, condition, batch, mask, noise, ...setting }, noise(0));
    const region = unet.region(mask, batch, 1);
    if (region.plan.levels[0]!.inactive.length === 0) return;
    const edited = toRows(noise(1), 1, 4, region.plan.levels[0]!.active);
    const options = { recorded, features: true };
    const expected = await unet.run(region, edited, TIMESTEP, condition, options);
    const actual = await lean.run(lean.region(mask, batch, 1), edited, TIMESTEP, condition, options);
    assertClose(actual.output, expected.output, 1e-5);
    assert.deepEqual(Object.keys(actual.features), Object.keys(expected.features));
  }));

test('features stored as bytes change the output by little, and a pass leaves them as they are', () =>
  check(
    async (setting) => {
      const { unet, condition, batch, mask } = setting;
      const planes = setting.noise(0);
      const { output, recorded } = await record(setting, planes);
      const region = unet.region(mask, batch);
      const { active } = region.plan.levels[0]!;
      const rows = toRows(planes, 1, 4, active);
      const again = await unet.run(region, rows, TIMESTEP, condition, { recorded });
      assertClose(again.output, toRows(output, 1, 4, active), 0.1);
      const twice = await unet.run(region, rows, TIMESTEP, condition, { recorded });
      assert.deepEqual(twice.output, again.output);
    },
    { storage: 'int8' },
    // Norms over a few nearly equal values, as in a picture of 2×1, magnify the rounding without a bound.
    cases.map((setting) => ({ ...setting, height: setting.height + 3, width: setting.width + 3 })),
  ));

test('as bytes with keys sampled: a position that is no key itself', () => {
  const [height, width] = [64, 66];
  return check(
    async (setting) => {
      const { unet, condition, batch } = setting;
      const planes = setting.noise(0);
      const { output, recorded } = await record(setting, planes);
      const data = new Uint8Array(height * width);
      data[33 * width + 31] = 1;
      const region = unet.region({ width, height, data }, batch);
      const { active, quarter } = region.plan.levels[0]!;
      assert.deepEqual([active.length, quarter.active], [1, 0]);
      const { output: again } = await unet.run(region, toRows(planes, 1, 4, active), TIMESTEP, condition, {
        recorded,
      });
      assertClose(again, toRows(output, 1, 4, active), 0.1);
    },
    { storage: 'int8', attention: 'sampled' },
    cases.map((setting) => ({ ...setting, height, width })),
  );
});

test('an empty mask does no work', () =>
  check(async ({ unet, condition, batch, mask }) => {
    const region = unet.region({ ...mask, data: mask.data.map(() => 0) }, batch);
    assert.equal(unet.macs(region, condition.text.dims[1]!), 0);
    const { output } = await unet.run(region, new Float32Array(), TIMESTEP, condition);
    assert.equal(output.length, 0);
  }));

test('another size with the same prompt changes the output, as it does in planar form', () => {
  const [height, width] = [4, 6];
  const xl = {
    addition_embed_type: 'text_time',
    addition_time_embed_dim: 4,
    projection_class_embeddings_input_dim: 6 * 4 + 8,
  };
  return withTinyModel({ ...smallUNet(), ...xl }, async (model) => {
    const components = new Components(model, new NodeBackend(1), 1);
    const text = gaussianTensor(1, 0, [1, 5, CROSS]);
    const pooled = gaussianTensor(1, 1, [1, 8]);
    const sizes = [64, 512].map((side) => float32(Float32Array.of(side, side, 0, 0, side, side), [1, 6]));
    const options = { foldUpsampling: true, storage: 'float32', attention: 'full' } as const;
    const rows = await components.forms.rows({ ...options, statistics: 'fresh' });
    const planar = await components.program('denoiser');
    const sample = gaussianNoise(1, 2, 4 * height * width);
    const dims = [4, height, width] as const;
    const schedule = { timesteps: [TIMESTEP] };
    for (const size of sizes) {
      const condition = { text, guidance: 1, vectors: { pooled, size } };
      const expected = await planarPredict(planar, schedule, dims, condition)(sample, 0);
      assertClose(await rowsPredict(rows, schedule, dims, condition)(sample, 0), expected, 1e-4);
    }
    await components.release();
  });
});
