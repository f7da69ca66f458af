import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { unzipSync } from 'fflate';
import { type PackedIndex, unpacking } from '../engine/host/web/packed.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
/** Bytes that the package for the web may have. */
const MOST = 45e6;

test('the package for the web has at most 45 MB, with every model, runtime and page in it', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'patchwork-package-'));
  try {
    const args = ['--import', 'tsx', 'scripts/package.ts', 'web', '--out', folder];
    execFileSync(process.execPath, args, { cwd: ROOT, stdio: 'pipe' });
    const [name, ...others] = fs.readdirSync(folder);
    assert.deepEqual(others, []);
    const packed = fs.readFileSync(path.join(folder, name!));
    assert.ok(packed.length <= MOST, `${(packed.length / 1e6).toFixed(1)} MB`);

    const all = unzipSync(new Uint8Array(packed));
    const files = new Map(
      Object.entries(all).map(([place, bytes]) => [place.replace(/^extension\//, ''), bytes]),
    );
    for (const build of ['wasm', 'jspi', 'asyncify']) {
      assert.ok(files.has(`dist/web/runtime-${build}.js`), build);
      const kind = build === 'wasm' ? '' : `.${build}`;
      assert.ok(files.has(`dist/web/ort-wasm-simd-threaded${kind}.wasm`), build);
    }
    const manifest = JSON.parse(new TextDecoder().decode(files.get('package.json')));
    assert.equal(manifest.main, undefined);
    assert.ok(files.has(manifest.browser.replace('./', '')));
    assert.ok(!('patchwork.bus' in manifest.contributes.configuration.properties));

    const index: PackedIndex = JSON.parse(new TextDecoder().decode(files.get('dist/web/models.json')));
    const read = unpacking(index, async (place) => new Uint8Array(files.get(`dist/web/models/${place}`)!));
    const places = Object.keys(index);
    for (const model of ['scenes', 'scenes-edit'])
      assert.ok(places.includes(`${model}/unet/diffusion_pytorch_model.safetensors`), model);
    for (const place of places)
      assert.equal(
        sha(await read(place)),
        sha(fs.readFileSync(path.join(ROOT, 'media/models', place))),
        place,
      );
    assert.ok(![...files.keys()].some((place) => place.startsWith('media/models/')), 'models are there once');
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

function sha(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
