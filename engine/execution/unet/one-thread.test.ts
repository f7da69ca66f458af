import assert from 'node:assert/strict';
import test from 'node:test';
import { NodeBackend } from '../../backends/node/backend.ts';
import { openModel } from '../../models/open.ts';
import { gaussianNoise, gaussianTensor } from '../../noise.ts';
import { centredMask } from '../../regions/mask.ts';
import { Components } from '../components.ts';
import { textLength } from '../denoiser-inputs.ts';
import type { Plan } from '../plan.ts';
import { RowsPlan } from './plans.ts';

const SIDE = 16;
const TIMESTEP = 500;
const unetOf = (plan: Plan) => {
  assert.ok(plan instanceof RowsPlan);
  return plan.unet;
};

const size = { height: SIDE, width: SIDE };

test('small parts are computed in one thread once that form is loaded, with the same result', async () => {
  const components = new Components(await openModel(), new NodeBackend(2), 2);
  const denoiser = components.denoiser({ precision: 'fp32' });
  const text = gaussianTensor(1, 0, [1, textLength(components.network('denoiser')), 128]);
  const condition = { text, guidance: 1 };
  const sample = gaussianNoise(1, 1, 4 * SIDE * SIDE);
  const whole = await denoiser.plan({ of: 'whole', ...size, records: true }, 1);
  const { features: seen } = await denoiser.predict(whole, sample, TIMESTEP, condition, { record: true });
  const edited = async (share: number) => {
    const mask = centredMask(SIDE, SIDE, share);
    const plan = await denoiser.plan({ of: 'region', mask, ring: 1 }, 1);
    const part = gaussianNoise(1, 2, 4 * plan.positions!.length);
    const { output } = await denoiser.predict(plan, part, TIMESTEP, condition, { seen });
    return { unet: unetOf(plan), output };
  };
  const before = await edited(0.05);
  assert.equal(before.unet, unetOf(whole));
  await denoiser.settle!(size);
  assert.equal((await edited(0.05)).unet, before.unet, 'the first edit may be the only one');
  await denoiser.settle!(size);
  const after = await edited(0.05);
  assert.notEqual(after.unet, before.unet);
  assert.deepEqual(after.output, before.output);
  const large = { of: 'region', mask: centredMask(4 * SIDE, 4 * SIDE, 0.6), ring: 1 } as const;
  assert.equal(unetOf(await denoiser.plan(large, 2)), before.unet);
  await components.release();
});

test('where edits are expected that form is loaded before the first one', async () => {
  const components = new Components(await openModel(), new NodeBackend(2), 2);
  const denoiser = components.denoiser({ precision: 'fp32' });
  const whole = await denoiser.plan({ of: 'whole', ...size, records: true }, 1);
  await denoiser.settle!(size, true);
  const part = await denoiser.plan({ of: 'region', mask: centredMask(SIDE, SIDE, 0.05), ring: 1 }, 1);
  assert.notEqual(unetOf(part), unetOf(whole));
  await components.release();
});
