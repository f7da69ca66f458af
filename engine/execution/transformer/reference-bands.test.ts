import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { writeCheckpoint } from '../../../test/support/checkpoints.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { float32 } from '../../graph/tensor.ts';
import { DiffusionModel } from '../../models/diffusion-model.ts';
import { gaussianNoise } from '../../noise.ts';
import { planLevels } from '../../regions/plan.ts';
import { toRows } from '../../regions/rows.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import { bandMasks } from '../bands/bands.ts';
import { memoryMailboxes } from '../bands/mailbox.ts';
import { Components } from '../components.ts';
import { type Condition, imageSizes } from '../condition.ts';

const folder = path.join(await temporaryFolder(), 'flux2');
await writeCheckpoint(folder, 'flux2-klein');
const components = new Components(await DiffusionModel.open(folder), new NodeBackend(1), 1);
after(() => components.release());

const [height, width, channels] = [5, 4, 16];
const latents = (seed: number, rows: number, columns: number) =>
  float32(gaussianNoise(seed, 0, channels * rows * columns), [channels, rows, columns]);
const condition: Condition = {
  text: float32(gaussianNoise(1, 0, 6 * 24), [1, 6, 24]),
  guidance: 1,
  images: [latents(2, 3, 4), latents(3, 2, 2)],
};
const sampleOf = (seed: number) => gaussianNoise(seed, 0, channels * height * width);
const denoiser = components.denoiser({ precision: 'fp32' }, {}, imageSizes(condition));
const positionsOf = (edges: readonly number[], index: number) =>
  planLevels([bandMasks({ height, width, axis: 'y', edges: [[...edges]] }, index)[0]!]).levels[0]!.active;

async function whole(sample: Float32Array, seen = condition): Promise<Float32Array> {
  const own = components.denoiser({ precision: 'fp32' }, {}, imageSizes(seen));
  const plan = await own.plan({ of: 'whole', height, width }, 1);
  return (await own.predict(plan, sample, 300, seen)).output;
}

function assertClose(found: Float32Array, expected: Float32Array): void {
  const most = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  for (const [i, value] of found.entries())
    assert.ok(Math.abs(value - expected[i]!) <= 1e-4 * most, `${value}, not ${expected[i]}`);
}

test('one worker computes an image with references as without workers, also where the image changes', async () => {
  const edges = [0, height];
  const bands = { height, width, axis: 'y', edges: [edges] } as const;
  const [mailbox] = memoryMailboxes(1);
  const band = await denoiser.band({ bands, index: 0, mode: 'displaced', coding: 'float32' }, 1);
  for (const [step, seed] of [5, 6, 7].entries()) {
    const kind = step === 0 ? 'dense' : 'band';
    const call = { sample: sampleOf(seed), timestep: 300, condition, kind, step } as const;
    const { output } = await band.step(call, mailbox!);
    assertClose(output, toRows(await whole(call.sample), 1, channels, positionsOf(edges, 0)));
  }
  const blind = await whole(sampleOf(7), { ...condition, images: [] });
  assert.notDeepEqual(blind, await whole(sampleOf(7)), 'the references count');
});

test('several workers reach the result of all of it when nothing changes any more', async () => {
  const edges = [0, 2, height];
  const bands = { height, width, axis: 'y', edges: [edges] } as const;
  const mailboxes = memoryMailboxes(2);
  const units = await Promise.all(
    mailboxes.map((_, index) => denoiser.band({ bands, index, mode: 'displaced', coding: 'float32' }, 1)),
  );
  const [before, sample] = [sampleOf(8), sampleOf(9)];
  const expected = await whole(sample);
  // What a block reads of the others is a step old, so each block takes a step: one joint and two single ones.
  for (let step = 0; step < 8; step++)
    for (const [index, unit] of units.entries()) {
      const call = { timestep: 300, condition, step } as const;
      const { output } =
        step === 0
          ? await unit.step({ ...call, kind: 'dense', sample: before }, mailboxes[index]!)
          : await unit.step({ ...call, kind: 'band', sample }, mailboxes[index]!);
      if (step === 7) assertClose(output, toRows(expected, 1, channels, positionsOf(edges, index)));
    }
});

test('an edit by one worker reads the references that were recorded, as without workers', async () => {
  const [before, sample] = [sampleOf(10), sampleOf(11)];
  const plan = await denoiser.plan({ of: 'whole', height, width, records: true }, 1);
  const { features: seen } = await denoiser.predict(plan, before, 300, condition, { record: true });
  const mask = { height, width, data: new Uint8Array(height * width).map((_, i) => (i % 4 < 2 ? 1 : 0)) };
  const region = await denoiser.plan({ of: 'region', mask, ring: 0 }, 1);
  const { active } = planLevels([mask]).levels[0]!;
  // A region's sample has its positions only, in ascending order.
  const ascending = active.toSorted();
  const part = Float32Array.from({ length: channels * active.length }, (_, i) => {
    const [channel, place] = [Math.floor(i / active.length), i % active.length];
    return sample[channel * height * width + ascending[place]!]!;
  });
  const expected = (await denoiser.predict(region, part, 300, condition, { seen: seen! })).output;
  const bands = { height, width, axis: 'y', edges: [[0, height]] } as const;
  const band = await denoiser.band(
    { bands, index: 0, mode: 'displaced', coding: 'float32', edit: { mask, ring: 0 } },
    1,
  );
  const call = { sample, timestep: 300, condition, kind: 'band', step: 0, seen: seen! } as const;
  const { output } = await band.step(call, memoryMailboxes(1)[0]!);
  const places = active.map((position) => ascending.indexOf(position));
  assertClose(output, toRows(expected, 1, channels, places));
});
