import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Coding } from '../../../shared/api.ts';
import { assertClose } from '../../../test/support/close.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { gaussianNoise } from '../../noise.ts';
import type { Storage } from '../../regions/features.ts';
import { type Mask, pyramid } from '../../regions/mask.ts';
import type { Recorded } from '../../regions/recorded.ts';
import { ringsOf } from '../../regions/rings.ts';
import { tinyCases, withTinyRows } from '../unet/testing.ts';
import type { PatchMode } from './band-of.ts';
import { activeCutting } from './bands.ts';
import { EditedBand } from './edited-band.ts';
import { memoryMailboxes } from './mailbox.ts';

const cases = fc.record({
  ...tinyCases({ min: 8, max: 17 }),
  speeds: fc.array(fc.double({ min: 0.2, max: 3, noNaN: true }), { minLength: 1, maxLength: 3 }),
  ring: fc.integer({ min: 0, max: 1 }),
});

interface Setting {
  /** The edit's rows by one network run: [B, rows, C]. */
  whole: (planes: Float32Array) => Promise<Float32Array>;
  team: (coding?: Coding, mode?: PatchMode) => { units: EditedBand[]; step: StepAll };
  recorded: Recorded;
  inputs: (planes: Float32Array, at: Int32Array) => Record<string, Tensor>;
  /** Positions of the edit, in the order of its rows. */
  at: Int32Array;
  /** The picture with other values in the edited part. */
  edited: (stream: number) => Float32Array;
}

/** Steps every band and returns the edit's rows. */
type StepAll = (planes: Float32Array, step: number) => Promise<Float32Array>;

const check = (property: (setting: Setting) => Promise<void>, storage: Storage = 'float32', numRuns = 4) =>
  fc.assert(
    fc.asyncProperty(cases, ({ height, width, batch, seed, speeds, ring, ...tiny }) =>
      withTinyRows({ ...tiny, height, width, batch, seed }, async ({ components, rows, inputs }) => {
        const network = components.network('denoiser');
        const unet = await rows({ storage });
        const original = gaussianNoise(seed, 0, batch * 4 * height * width);
        const everywhere = unet.dense(height, width, batch);
        const all = everywhere.plan.levels[0]!.active;
        const pass = await unet.pass(everywhere, inputs(original, all), { features: true });
        const recorded = unet.recorded(everywhere, pass);
        const mask = rectangle(height, width, seed);
        const region = unet.region(mask, batch, ring);
        const at = region.plan.levels[0]!.active;
        const active = pyramid(mask, ringsOf(network, ring));
        const cutting = activeCutting(active);
        const bands = cutting.bands(speeds.slice(0, cutting.most));
        const count = bands.edges[0]!.length - 1;
        const rowOf = new Map([...at].map((position, row) => [position, row]));
        await property({
          recorded,
          inputs,
          at,
          whole: async (planes) => (await unet.pass(region, inputs(planes, at), { recorded })).output,
          edited: (stream) => {
            const other = gaussianNoise(seed, stream, original.length);
            return original.map((value, i) => (mask.data[i % (height * width)] ? other[i]! : value));
          },
          team: (coding = 'float32', mode = 'displaced') => {
            const mailboxes = memoryMailboxes(count);
            const units = mailboxes.map(
              (_, index) => new EditedBand(unet, { bands, index, active, batch, mode, coding }),
            );
            const step: StepAll = async (planes, step) => {
              const rows = new Float32Array(batch * at.length * 4);
              for (const [i, unit] of units.entries()) {
                if (step > 1) await unit.fetch(mailboxes[i]!, step - 1);
                const { positions } = unit;
                const output = await unit.step(inputs(planes, positions), recorded);
                for (let b = 0; b < batch; b++)
                  for (const [row, position] of positions.entries()) {
                    const from = (b * positions.length + row) * 4;
                    const to = (b * at.length + rowOf.get(position)!) * 4;
                    rows.set(output.subarray(from, from + 4), to);
                  }
              }
              for (const [i, unit] of units.entries()) await unit.post(mailboxes[i]!, step);
              return rows;
            };
            return { units, step };
          },
        });
      }),
    ),
    { numRuns },
  );

/** A part of the picture of at least three positions a side, never all of it. */
function rectangle(height: number, width: number, seed: number): Mask {
  const top = seed % 3;
  const left = (seed >> 2) % 3;
  const data = new Uint8Array(height * width);
  for (let y = top; y < height - 2; y++)
    for (let x = left; x < width - 1 - ((seed >> 4) % 4); x++) data[y * width + x] = 1;
  return { height, width, data };
}

test('a step over all bands is the edit of one worker, bit for bit', () =>
  check(async ({ team, whole, edited, inputs, recorded, at }) => {
    const planes = edited(1);
    for (const unit of team().units)
      assert.deepEqual((await unit.dense(inputs(planes, at), recorded)).output, await whole(planes));
  }));

for (const storage of ['float32', 'int8'] as const)
  test(`an edit that does not change has no seams, with features recorded as ${storage}`, () =>
    check(async ({ team, whole, edited, inputs, recorded, at }) => {
      const planes = edited(1);
      const expected = await whole(planes);
      const { units, step } = team();
      for (const unit of units) await unit.dense(inputs(planes, at), recorded);
      for (const number of [1, 2, 3])
        assertClose(await step(planes, number), expected, storage === 'int8' ? 0.1 : 1e-3);
    }, storage));

test('bands that see each other are nearer to the edit of one worker than bands that do not', async () => {
  let [displaced, naive] = [0, 0];
  await check(async ({ team, whole, edited, inputs, recorded, at }) => {
    const before = edited(1);
    const after = before.map((value, i) => value + 0.1 * edited(2)[i]!);
    const expected = await whole(after);
    for (const mode of ['displaced', 'naive'] as const) {
      const { units, step } = team('float32', mode);
      for (const unit of units) await unit.dense(inputs(before, at), recorded);
      const output = await step(after, 1);
      const error = output.reduce((sum, value, i) => sum + (value - expected[i]!) ** 2, 0);
      if (mode === 'naive') naive += error;
      else displaced += error;
    }
  });
  assert.ok(displaced < naive / 2, `${displaced} and ${naive}`);
});
