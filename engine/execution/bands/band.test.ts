import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Coding } from '../../../shared/api.ts';
import { assertClose } from '../../../test/support/close.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { gaussianNoise } from '../../noise.ts';
import { featuresOf, levelCount } from '../../regions/features.ts';
import { overPlanes, toRows } from '../../regions/rows.ts';
import type { RowsUNet } from '../unet/rows-unet.ts';
import { tinyCases, withTinyRows } from '../unet/testing.ts';
import { BandUNet, type Moments } from './band.ts';
import type { PatchMode } from './band-of.ts';
import { type Bands, cutBands } from './bands.ts';
import { type Mailbox, memoryMailboxes } from './mailbox.ts';

const cases = fc.record({
  ...tinyCases({ min: 4, max: 17 }),
  speeds: fc.array(fc.double({ min: 0.2, max: 3, noNaN: true }), { minLength: 1, maxLength: 4 }),
  axis: fc.constantFrom('x' as const, 'y' as const),
});

interface Setting {
  unet: RowsUNet;
  /** The network that also outputs its deep features, and the part that follows them. */
  reusing: () => Promise<{ unet: RowsUNet; shallow: RowsUNet }>;
  bands: Bands;
  batch: number;
  dims: readonly [number, number, number];
  inputs: (planes: Float32Array, positions: Int32Array, timestep?: number) => Record<string, Tensor>;
  noise: (stream: number) => Float32Array;
}

const check = (property: (setting: Setting) => Promise<void>, numRuns = 6) =>
  fc.assert(
    fc.asyncProperty(cases, ({ height, width, batch, seed, speeds, axis, ...tiny }) =>
      withTinyRows({ ...tiny, height, width, batch, seed }, async ({ components, rows, inputs }) => {
        const unet = await rows({ statistics: 'bands' });
        const levels = levelCount(featuresOf(components.network('denoiser')));
        const along = Math.ceil((axis === 'y' ? height : width) / 2 ** (levels - 1));
        const bands = cutBands({ height, width }, levels, speeds.slice(0, along), axis);
        const noise = (stream: number) => gaussianNoise(seed, stream, batch * 4 * height * width);
        const reusing = async () => {
          const { giving, shallow } = components.forms;
          return { unet: await giving().rows(unet.options), shallow: await shallow().rows(unet.options) };
        };
        await property({ unet, reusing, bands, batch, dims: [4, height, width], inputs, noise });
      }),
    ),
    { numRuns },
  );

function makeTeam(
  { unet, bands, batch }: Setting,
  coding: Coding = 'float32',
  mode: PatchMode = 'displaced',
  moments: Moments = 'mixed',
  shallow?: RowsUNet,
) {
  const mailboxes = memoryMailboxes(bands.edges[0]!.length - 1);
  return mailboxes.map((mailbox, index) => ({
    mailbox,
    unit: new BandUNet(unet, { bands, index, batch, mode, moments, coding, ...(shallow && { shallow }) }),
  }));
}

async function densely({ unet, bands, batch, inputs }: Setting, planes: Float32Array): Promise<Float32Array> {
  const region = unet.dense(bands.height, bands.width, batch);
  const at = region.plan.levels[0]!.active;
  const { output } = await unet.pass(region, inputs(planes, at));
  const out = new Float32Array(planes.length);
  overPlanes(out, output, batch, 4, at);
  return out;
}

/** Steps every band and returns planes. */
async function stepAll(
  { inputs, batch }: Setting,
  team: { mailbox: Mailbox; unit: BandUNet }[],
  planes: Float32Array,
  step: number,
  timestep?: number,
  shallow = false,
): Promise<Float32Array> {
  const out = new Float32Array(planes.length);
  for (const { mailbox, unit } of team) {
    if (step > 1) await unit.fetch(mailbox, step - 1);
    const at = unit.positions;
    overPlanes(out, await unit.step(inputs(planes, at, timestep), shallow), batch, 4, at);
  }
  for (const { mailbox, unit } of team) await unit.post(mailbox, step);
  return out;
}

test('a dense step of any band is the dense network', () =>
  check(async (setting) => {
    const { batch, inputs, noise } = setting;
    const planes = noise(0);
    const expected = await densely(setting, planes);
    for (const { unit } of makeTeam(setting)) {
      const out = new Float32Array(planes.length);
      overPlanes(out, await unit.dense(inputs(planes, unit.everywhere)), batch, 4, unit.everywhere);
      assertClose(out, expected, 1e-4);
    }
  }));

for (const coding of ['float32', 'float16', 'residual'] as const)
  test(`an image that does not change has no seams, exchanged as ${coding}`, () =>
    check(async (setting) => {
      const planes = setting.noise(0);
      const expected = await densely(setting, planes);
      const team = makeTeam(setting, coding);
      for (const { unit } of team) await unit.dense(setting.inputs(planes, unit.everywhere));
      for (const step of [1, 2, 3])
        assertClose(
          await stepAll(setting, team, planes, step),
          expected,
          coding === 'float16' && step > 1 ? 2e-2 : 1e-3,
        );
    }));

for (const coding of ['float32', 'residual'] as const)
  test(`nor has it where steps reuse deep features, exchanged as ${coding}`, () =>
    check(async (setting) => {
      const planes = setting.noise(0);
      const expected = await densely(setting, planes);
      const { unet, shallow } = await setting.reusing();
      const team = makeTeam({ ...setting, unet }, coding, 'displaced', 'mixed', shallow);
      for (const { unit } of team) await unit.dense(setting.inputs(planes, unit.everywhere));
      for (const [i, isShallow] of [true, false, true, true, false].entries())
        assertClose(await stepAll(setting, team, planes, i + 1, undefined, isShallow), expected, 1e-3);
    }));

test('an image that does not change has no seams with corrected moments', () =>
  check(async (setting) => {
    const planes = setting.noise(0);
    const expected = await densely(setting, planes);
    const team = makeTeam(setting, 'float32', 'displaced', 'corrected');
    for (const { unit } of team) await unit.dense(setting.inputs(planes, unit.everywhere));
    for (const step of [1, 2]) assertClose(await stepAll(setting, team, planes, step), expected, 1e-3);
  }));

test('one band is no bands, bit for bit', () =>
  check(async (setting) => {
    const { bands, noise } = setting;
    const one = cutBands(bands, bands.edges.length, [1], bands.axis);
    const alone = { ...setting, bands: one };
    const team = makeTeam(alone);
    await team[0]!.unit.dense(setting.inputs(noise(0), team[0]!.unit.everywhere));
    for (const step of [1, 2])
      assert.deepEqual(await stepAll(alone, team, noise(step), step), await densely(setting, noise(step)));
  }));

test('naive bands are pictures of their own', () =>
  check(async (setting) => {
    const { unet, batch } = setting;
    const { width, edges } = setting.bands;
    // Half of this height is a whole number of positions at every level.
    const height = 16;
    const planes = gaussianNoise(1, 0, batch * 4 * height * width);
    const bands = cutBands({ height, width }, edges.length, [1, 1], 'y');
    const whole = cutBands({ height: height / 2, width }, edges.length, [1], 'y');
    for (const [index, { unit }] of makeTeam({ ...setting, bands }, 'float32', 'naive').entries()) {
      const rows = await unit.step(setting.inputs(planes, unit.positions));
      const half = (height / 2) * width;
      const cut = Float32Array.from(
        { length: planes.length / 2 },
        (_, i) => planes[Math.floor(i / half) * 2 * half + index * half + (i % half)]!,
      );
      const alone = await densely({ ...setting, bands: whole }, cut);
      const at = unet.dense(height / 2, width, batch).plan.levels[0]!.active;
      assertClose(rows, toRows(alone, batch, 4, at), 1e-4);
    }
  }));
