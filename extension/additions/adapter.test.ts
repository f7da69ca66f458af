import assert from 'node:assert/strict';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { writeCheckpoint } from '../../test/support/checkpoints.ts';
import { readsImages, withoutIdleAdapter } from './adapter.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-adapter-'));
after(() => rm(folder, { recursive: true, force: true }));

test('a model whose text encoder the user has named reads references itself, so the adapter is left out', async () => {
  const model = path.join(folder, 'klein');
  await writeCheckpoint(model, 'flux2-klein');
  const encoder = path.join(folder, 'encoder');
  await rename(path.join(model, 'text_encoder'), encoder);
  assert.equal(await readsImages({ model }), false, 'it cannot be opened without one');
  const asked = { model, textEncoders: [encoder] };
  assert.equal(await readsImages(asked), true);
  assert.deepEqual(await withoutIdleAdapter({ ...asked, referenceModel: 'ip-adapter' }), asked);
  const other = { model: 'scenes', referenceModel: 'ip-adapter' };
  assert.equal(await withoutIdleAdapter(other), other);
});
