import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from '../../shared/api.ts';
import type { Chosen } from './choose.ts';
import { Ladder } from './ladder.ts';

test('a device that is chosen while another one is tried is the one that computes', async () => {
  const tried: ((chosen: Chosen) => void)[] = [];
  const ladder = new Ladder<Engine>({
    choose: () => new Promise((resolve) => tried.push(resolve)),
    open: ({ id }) => ({ describe: async () => id, dispose: async () => {} }) as unknown as Engine,
  });
  const first = ladder.call('describe', {});
  // As where the setting is changed.
  await ladder.end();
  const second = ladder.call('describe', {});
  tried[0]!({ id: 'webgpu', findings: { name: 'GPU', wrong: [] } });
  tried[1]!({ id: 'cpu', findings: { name: 'processor', wrong: [] } });
  assert.deepEqual(await Promise.all([first, second]), ['cpu', 'cpu']);
  assert.equal(ladder.chosen?.id, 'cpu');
  await ladder.end();
});
