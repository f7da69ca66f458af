import assert from 'node:assert/strict';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { writeCheckpoint, writeLora } from '../../test/support/checkpoints.ts';
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

test('a LoRA file that changes while its model is loaded is merged again', async () => {
  const model = path.join(folder, 'base');
  await writeCheckpoint(model, 'sd15');
  const lora = path.join(folder, 'style.safetensors');
  await writeLora(lora);
  let forgotten = 0;
  const models = new LoadedModels(new NodeBackend(1), async () => {
    forgotten++;
  });
  const load = () => models.load({ prompt: 'a house', model, loras: [{ lora, strength: 1 }] }, {});
  const first = await load();
  assert.equal(await load(), first);
  assert.equal(forgotten, 0);
  await utimes(lora, 1e9, 1e9);
  assert.notEqual(await load(), first);
  assert.equal(forgotten, 1);
  await models.unload();
});
