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

test('calls with stages say that a device is tried, also those that come while it is', async () => {
  let found!: (chosen: Chosen) => void;
  const ladder = new Ladder<Engine>({
    choose: (onTry) => {
      onTry();
      return new Promise((resolve) => {
        found = resolve;
      });
    },
    open: () =>
      ({ generate: async () => 'image', describe: async () => 'words', dispose: async () => {} }) as never,
  });
  const said: unknown[] = [];
  const onProgress = (progress: unknown) => said.push(progress);
  const calls = [
    ladder.call('generate', {}, { onProgress }),
    ladder.call('generate', {}, { onProgress }),
    ladder.call('describe', {}, { onProgress }),
  ];
  const trying = { stage: 'try', step: 0, steps: 0 };
  assert.deepEqual(said, [trying, trying]);
  found({ id: 'cpu', findings: { name: 'processor', wrong: [] } });
  assert.deepEqual(await Promise.all(calls), ['image', 'image', 'words']);
  await ladder.call('generate', {}, { onProgress });
  assert.equal(said.length, 2);
  await ladder.end();
});
