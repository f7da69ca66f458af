import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { writeCheckpoint } from '../../test/support/checkpoints.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { temporaryFolder } from '../weights/testing.ts';
import { LoadedModels } from './loaded-models.ts';

const folder = await temporaryFolder();
process.env.HF_HUB_CACHE = path.join(folder, 'hub');

test('a damaged decoder for previews, which nobody has asked for, does not keep a model from loading', async () => {
  const model = path.join(folder, 'model');
  await writeCheckpoint(model, 'sd15');
  await mkdir(path.join(folder, 'vae_approx'));
  await writeFile(
    path.join(folder, 'vae_approx', 'taesd_decoder.pth'),
    'version https://git-lfs.github.com/spec/v1',
  );
  const models = new LoadedModels(new NodeBackend(1), async () => {});
  const loaded = await models.load({ prompt: 'a house', model }, {});
  assert.equal(loaded.preview, undefined);
  await models.unload();
});
