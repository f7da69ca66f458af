import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { SOFTWARE_GPU, skipWithoutGpu } from '../../engine/backends/node/devices/testing.ts';
import { createEngine } from '../../engine/engine.ts';
import { TEAM_DEFAULTS } from '../../engine/parallel/team-options.ts';
import { decibels, HOUSE } from '../../test/support/house.ts';
import { LocalCrew } from './crew.ts';

test('a GPU is one worker, beside one on the processor', { skip: skipWithoutGpu() }, async () => {
  const before = { ...process.env };
  Object.assign(process.env, SOFTWARE_GPU);
  after(() => {
    process.env = before;
  });
  const findings = { name: 'software', wrong: ['MultiHeadAttention'] };
  const crew = new LocalCrew({ device: { id: 'webgpu', findings } });
  assert.equal(crew.equallyFast, false);
  assert.ok(crew.patience! > TEAM_DEFAULTS.patience, 'programs are compiled in the first step');
  const engine = createEngine(new NodeBackend(), { openCrew: () => crew });
  try {
    const house = { ...HOUSE, width: 64, height: 128, steps: 2 };
    const alone = await engine.generate(house);
    const { picture, workers } = await engine.generate({
      ...house,
      workers: 2,
      patch: { split: 'bands', mode: 'synchronous' },
    });
    assert.equal(workers!.length, 2);
    assert.ok((await decibels(picture.png, alone.picture.png)) > 40);
  } finally {
    await engine.dispose();
  }
});
