import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { unpackedSizes, unpacking } from '../engine/host/web/packed.ts';
import { ResourceStore } from '../engine/host/web/resource-store.ts';
import { packedModels } from './webModels.mjs';

test('the web extension reads packed models as they were; what is there twice is packed once', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'patchwork-packed-'));
  try {
    const weights = Uint8Array.of(1, 2, 3, 4, 5);
    const written = {
      'one/vae/model.safetensors': weights,
      'one/config.json': Uint8Array.of(123, 125),
      'two/vae/model.safetensors': weights,
      'empty.safetensors': new Uint8Array(),
      'scenes-control/config.json': Uint8Array.of(9),
    };
    for (const [name, bytes] of Object.entries(written)) {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), bytes);
    }
    const { index, files } = packedModels(folder);
    assert.deepEqual(Object.keys(files).sort(), [
      'empty.safetensors',
      'one/config.json',
      'one/vae/model.safetensors',
    ]);
    assert.deepEqual([...files['one/vae/model.safetensors']!], [1, 3, 5, 2, 4]);
    const read = unpacking(index, async (name) => new Uint8Array(files[name]!));
    const store = new ResourceStore(read, unpackedSizes(index));
    for (const [name, bytes] of Object.entries(written).filter(([name]) => !name.includes('control')))
      assert.deepEqual(await store.open(name), bytes, name);
    await assert.rejects(store.open('scenes-control/config.json'), /ENOENT/);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('the built-in models that draw, edit and see have at most 32 MB', () => {
  const models = path.join(import.meta.dirname, '..', 'media', 'models');
  const sizes = ['scenes', 'scenes-edit', 'sight'].flatMap((model) =>
    fs
      .readdirSync(path.join(models, model), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => fs.statSync(path.join(entry.parentPath, entry.name)).size),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(bytes > 20e6 && bytes <= 32e6, `${(bytes / 1e6).toFixed(2)} MB`);
});
