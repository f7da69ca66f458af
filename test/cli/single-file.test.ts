import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { writeSingleFile } from '../support/single-file.ts';
import { inTemporaryFolder, patchwork } from './patchwork.ts';

const fixtures = path.join(import.meta.dirname, '..', 'fixtures', 'single-file');

test('a single file: generate, macs, bench, models; what is wrong is said in a sentence', () =>
  inTemporaryFolder(async (folder) => {
    const file = path.join(folder, 'models/checkpoints/toy.safetensors');
    await writeSingleFile(file);
    const options = { env: { PATCHWORK_CACHE: path.join(folder, 'cache') } };
    const drawn = await patchwork(
      [
        'generate',
        'a house',
        '-o',
        path.join(folder, 'a.png'),
        '--model',
        file,
        '--steps',
        '2',
        '--size',
        '64x64',
        '--json',
      ],
      options,
    );
    assert.equal(drawn.code, 0, drawn.stderr);
    assert.equal(JSON.parse(drawn.stdout).model, 'toy');
    const counted = await patchwork(['macs', file, '--size', '64x64', '--json'], options);
    assert.ok(JSON.parse(counted.stdout).dense > 1e6, counted.stderr);
    const timed = await patchwork(
      ['bench', 'dense', '--model', file, '--size', '64x64', '--repeat', '1', '--json'],
      options,
    );
    assert.equal(JSON.parse(timed.stdout).rows.length, 1, timed.stderr);
    const listed = await patchwork(['models', 'list', '--folder', folder, '--json'], options);
    const { models } = JSON.parse(listed.stdout);
    assert.equal(models.find(({ id }: { id: string }) => id === file)?.purpose, 'pictures');
    const wrong = await patchwork(
      ['generate', 'a', '--model', path.join(fixtures, 'sdxl/lora.safetensors')],
      options,
    );
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /lora\.safetensors is a LoRA file/);
  }));

test('verify takes a file, with the autoencoder that it lacks', () =>
  inTemporaryFolder(async (folder) => {
    await cp(path.join(fixtures, 'sd15-ema-no-vae'), folder, { recursive: true });
    const file = path.join(folder, 'checkpoint.safetensors');
    const vae = path.join(folder, 'vae-only.safetensors');
    const verified = await patchwork(['verify', file, '--vae', vae, '--json']);
    assert.equal(verified.code, 0, verified.stderr);
    const { pass, tensors } = JSON.parse(verified.stdout);
    assert.ok(pass && tensors.length >= 10, String(tensors.length));
    const without = await patchwork(['verify', file]);
    assert.equal(without.code, 2);
    assert.match(without.stderr, /checkpoint\.safetensors.* has no autoencoder/);
  }));
