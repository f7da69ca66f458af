import assert from 'node:assert/strict';
import test from 'node:test';
import type { Recipe } from '../../shared/api.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { plannedDevice, predictMemory } from '../execution/memory-plan.ts';
import { isMemoryRefusal } from '../execution/memory-refusal.ts';
import { SyntheticModel } from '../models/synthetic.ts';
import { FeatureStore } from '../regions/store.ts';
import type { Loaded } from './loaded-models.ts';
import { MemoryBudget } from './memory-budget.ts';

const model = Object.assign(new SyntheticModel('sd15', ''), { textRoles: ['text-encoder'] as const });
const recipe = { width: 512, height: 512, guidance: 7.5, precision: 'int8' } as Recipe;
const picture = { width: 512, height: 512, batch: 2, precision: 'int8', rows: true } as const;

/** A model that holds some bytes, on a device with so many. */
function budgetOn(device: 'cpu' | 'webgpu', memoryBytes: number, held: number) {
  const real = new NodeBackend(1);
  const backend = Object.assign(real, { device, can: { ...real.can, memoryBytes } });
  backend.availableBytes = () => memoryBytes;
  const features = new FeatureStore(1e12);
  const done: string[] = [];
  const components = {
    free: async (role: string) => void done.push(`freed ${role}`),
    network: (role: 'denoiser') => model.network(role),
    storedForms: async () => ({}),
    forms: { rowsAreFaster: async () => true },
  };
  const loaded = { components, model, held } as unknown as Loaded;
  const others = {
    unload: async () => void done.push('unloaded'),
    dismissWorkers: async () => void done.push('dismissed'),
  };
  return { backend, budget: new MemoryBudget(backend, features, others), features, loaded, done };
}

test('what a model holds of a GPU’s memory is not counted a second time as free', async () => {
  const device = plannedDevice(budgetOn('webgpu', 0, 0).backend);
  const { together } = predictMemory(model, { ...picture, device, records: true });
  const { budget, loaded } = budgetOn('webgpu', together - 1, 0.6 * together);
  assert.equal(await budget.canRecord(loaded, recipe), false);
  const enough = budgetOn('webgpu', together, 0);
  assert.equal(await enough.budget.canRecord(enough.loaded, recipe), true);
});

test('what is left of a GPU’s memory limits features there, and not those in main memory', async () => {
  const { together } = predictMemory(model, picture);
  const { budget, features, loaded } = budgetOn('webgpu', together + 1000, 0);
  features.put({ picture: 'a', timestep: 1 }, { pieces: () => [{ byteLength: 1e6 }] });
  features.put(
    { picture: 'b', timestep: 1 },
    { pieces: () => [{ byteLength: 1e6, onDevice: true, release: () => {} }] },
  );
  assert.equal(await budget.plan(loaded, recipe), 'together');
  assert.deepEqual([features.bytes, features.deviceBytes], [1e6, 0]);
});

/** What a worker on the same GPU needs for the picture, and what this process needs beside it. */
function sharedNeeds(size = {}) {
  const { backend } = budgetOn('webgpu', 0, 0);
  const on = (keepsFeatures: boolean) => ({
    ...picture,
    ...size,
    device: plannedDevice(backend, keepsFeatures),
  });
  const shared = predictMemory(model, { ...on(false), shared: true });
  const { together } = predictMemory(model, on(true));
  return { shared, together };
}

test('a GPU with room for one U-Net holds it for this process or for its worker', async () => {
  const { shared, together } = sharedNeeds();
  const room = Math.max(shared.together, together);
  const { budget, loaded, features, done } = budgetOn('webgpu', room, 0);
  assert.equal(await budget.plan(loaded, recipe), 'together');
  features.put(
    { picture: 'a', timestep: 1 },
    { pieces: () => [{ byteLength: 1, onDevice: true, release: () => done.push('swept') }] },
  );
  assert.deepEqual(done, []);
  assert.equal(await budget.planShared(loaded, recipe), 'together');
  assert.deepEqual(done.splice(0), ['unloaded', 'swept', 'freed denoiser']);
  assert.equal(await budget.planShared(loaded, recipe), 'together');
  assert.deepEqual(done, [], 'the worker has room now');
  assert.equal(await budget.plan(loaded, recipe), 'together');
  assert.deepEqual(done.splice(0), ['unloaded', 'dismissed']);
  assert.equal(await budget.plan(loaded, recipe), 'together');
  assert.deepEqual(done, [], 'there is no worker any more');
});

test('a GPU with room for two U-Nets keeps both', async () => {
  const { shared, together } = sharedNeeds();
  const { budget, loaded, done } = budgetOn('webgpu', together + shared.denoiser, 0);
  assert.equal(await budget.plan(loaded, recipe), 'together');
  assert.equal(await budget.planShared(loaded, recipe), 'together');
  assert.equal(await budget.plan(loaded, recipe), 'together');
  assert.deepEqual(done, []);
});

test('what a worker may hold is no room for features', async () => {
  const { shared, together } = sharedNeeds();
  const { budget, loaded, features } = budgetOn('webgpu', together + shared.denoiser + 1000, 0);
  const put = (byteLength: number) =>
    features.put({ picture: 'a', timestep: byteLength }, { pieces: () => [{ byteLength, onDevice: true }] });
  await budget.planShared(loaded, recipe);
  await budget.plan(loaded, recipe);
  put(2000);
  assert.equal(features.deviceBytes, 0);
  put(500);
  assert.equal(features.deviceBytes, 500);
});

test('beside a worker, networks are loaded one after another where memory is short, or nothing is computed there', async () => {
  const size = { width: 1024, height: 1024 };
  const { shared } = sharedNeeds(size);
  const planned = (memory: number) => {
    const { budget, loaded } = budgetOn('webgpu', memory, 0);
    return budget.planShared(loaded, { ...recipe, ...size });
  };
  assert.equal(await planned(shared.apart), 'apart');
  assert.equal(await planned(shared.tiled), 'tiled');
  await assert.rejects(planned(shared.tiled - 1), isMemoryRefusal);
});
