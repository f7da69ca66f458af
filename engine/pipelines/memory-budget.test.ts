import assert from 'node:assert/strict';
import test from 'node:test';
import type { Recipe } from '../../shared/api.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { plannedDevice, predictMemory } from '../execution/memory-plan.ts';
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
  const components = {
    network: (role: 'denoiser') => model.network(role),
    storedForms: async () => ({}),
    forms: { rowsAreFaster: async () => true },
  };
  const loaded = { components, model, held } as unknown as Loaded;
  return { backend, budget: new MemoryBudget(backend, features, async () => {}), features, loaded };
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
