import assert from 'node:assert/strict';
import test from 'node:test';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { createEngine } from '../../engine/engine.ts';
import { plannedDevice, predictMemory } from '../../engine/execution/memory-plan.ts';
import { EMBEDDED } from '../../engine/models/embedded.ts';
import { openDrawingModel } from '../../engine/models/open.ts';
import { HOUSE } from '../../test/support/house.ts';
import { LocalCrew } from './crew.ts';

const SIZE = { width: 64, height: 128 };

/**
 * The process of the first worker after each of some calls, where the processor stands for a GPU with so much memory that
 * the first worker is on, too.
 */
async function processesOf(memoryBytes: number, calls: readonly number[]): Promise<(number | undefined)[]> {
  const real = new NodeBackend(1);
  const backend = Object.assign(real, { device: 'webgpu', can: { ...real.can, memoryBytes } });
  const crew = Object.assign(new LocalCrew(), { onDevice: true });
  const engine = createEngine(backend, { openCrew: () => crew });
  const pids: (number | undefined)[] = [];
  const { members } = crew;
  let first: number | undefined;
  crew.members = async (...given) => {
    const taken = await members.apply(crew, given);
    first = taken[0]?.pid;
    return taken;
  };
  try {
    for (const workers of calls) {
      await engine.generate({ ...HOUSE, ...SIZE, steps: 2, workers, previews: false });
      pids.push(first);
    }
    return pids;
  } finally {
    await engine.dispose();
  }
}

test('a GPU with room for one denoiser holds the engine’s or its worker’s, one with room for two both', async () => {
  const { model } = await openDrawingModel(EMBEDDED, {});
  const picture = { ...SIZE, batch: 2, precision: 'fp32', rows: true } as const;
  const device = plannedDevice({ device: 'webgpu', can: new NodeBackend(1).can });
  const { together, denoiser } = predictMemory(model, { ...picture, device, shared: true });
  const [begun, ended, fresh] = await processesOf(together, [2, 0, 2]);
  assert.ok(begun !== undefined && fresh !== undefined && fresh !== begun);
  assert.equal(ended, undefined, 'for a call without workers they were ended');
  const kept = await processesOf(together + 2 * denoiser, [2, 0, 2]);
  assert.ok(kept[0] !== undefined);
  assert.deepEqual(kept, [kept[0], kept[0], kept[0]]);
});
