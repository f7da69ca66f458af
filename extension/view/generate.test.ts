import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import sharp from 'sharp';
import { InputError } from '../../engine/errors.ts';
import { temporaryFolder } from '../../engine/weights/testing.ts';
import { MemoryStorage } from '../../test/support/storage.ts';
import { checkingEngine, servicesIn } from '../../test/support/vscode/services.ts';
import type { RunViews } from './runView.ts';

const { workspace } = await import('../../test/support/vscode/stub.ts');
const { RunLog } = await import('../queue/interrupted.ts');
const { startAgain } = await import('./generate.ts');

const { getConfiguration } = workspace;
afterEach(() => Object.assign(workspace, { getConfiguration }));

test('a run that was cut off can be started again, also after settings that were wrong', async () => {
  const create = { width: 16, height: 16, channels: 3, background: '#808080' } as const;
  const png = await sharp({ create }).png().toBuffer();
  const storage = new MemoryStorage();
  await storage.update('patchwork.runs', [{ id: 'run', request: { prompt: 'a house', seed: 1 } }]);
  const views = { current: undefined, show: () => ({ begin() {} }), count() {} } as unknown as RunViews;
  const services = {
    ...servicesIn(await temporaryFolder(), checkingEngine(png)),
    views,
    runs: new RunLog(storage),
  };
  const set = (steps: unknown) =>
    Object.assign(workspace, {
      getConfiguration: () => ({ get: (name: string) => (name === 'steps' ? steps : undefined) }),
    });
  set('many');
  await assert.rejects(startAgain(services, 'run'), InputError);
  assert.equal(services.runs.interrupted.length, 1);
  set(5);
  await Promise.all([startAgain(services, 'run'), startAgain(services, 'run')]);
  assert.equal(services.runs.interrupted.length, 0);
  const [made, ...others] = await services.gallery.list();
  assert.equal(made!.recipe.prompt, 'a house');
  assert.deepEqual(others, []);
});
