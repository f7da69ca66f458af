import assert from 'node:assert/strict';
import { copyFile, cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { decodePicture } from '../../engine/pictures/read.ts';
import { readFloat32 } from '../../engine/weights/read.ts';
import { openSafetensors } from '../../engine/weights/safetensors.ts';
import { ggufBytes } from '../support/gguf.ts';
import { returnNoise, writeSingleFile } from '../support/single-file.ts';
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

/** Draws with a model. @returns the result, its pixels, and what was said */
async function drawn(folder: string, model: string, ...more: string[]) {
  const out = path.join(folder, 'out.png');
  const how = ['--seed', '3', '--threads', '1', '--precision', 'fp32', '--json'];
  const { code, stdout, stderr } = await patchwork(
    ['generate', 'a house', '-o', out, '--model', model, '--size', '64x64', ...how, ...more],
    { env: { PATCHWORK_CACHE: path.join(folder, 'cache') } },
  );
  assert.equal(code, 0, stderr);
  const { pixels } = await decodePicture(await readFile(out), out);
  return { result: JSON.parse(stdout), pixels: Buffer.from(pixels).toString('base64'), stderr };
}

test('what a U-Net of Stable Diffusion 2 predicts is measured where its file does not say it, and is said', () =>
  inTemporaryFolder(async (folder) => {
    const [noise, velocity] = ['noise.safetensors', 'velocity.safetensors'].map((name) =>
      path.join(folder, name),
    ) as [string, string];
    await writeSingleFile(noise, [], { sd2: true, change: returnNoise });
    await writeSingleFile(velocity, [], { sd2: true });
    for (const [file, kind, words] of [
      [
        noise,
        'epsilon',
        /noise does not say what its U-Net predicts\. .* correlation of 0\.[789]\d with it, so the noise is assumed/,
      ],
      [velocity, 'v_prediction', /correlation of -?0\.[0-4]\d with it, so the velocity is assumed/],
    ] as const) {
      const measured = await drawn(folder, file, '--steps', '2');
      assert.match(measured.stderr, words);
      const [same, other] = kind === 'epsilon' ? [kind, 'v_prediction'] : [kind, 'epsilon'];
      const named = await drawn(folder, file, '--steps', '2', '--prediction', same);
      assert.equal(named.pixels, measured.pixels);
      assert.doesNotMatch(named.stderr, /does not say/);
      assert.notEqual(
        (await drawn(folder, file, '--steps', '2', '--prediction', other)).pixels,
        named.pixels,
      );
    }
  }));

test('distilled models are known by their names, which is said', () =>
  inTemporaryFolder(async (folder) => {
    const file = path.join(folder, 'toy.safetensors');
    await writeSingleFile(file);
    const plain = await drawn(folder, file, '--steps', '4', '--guidance', '1');
    for (const [name, scheduler] of [
      ['toy_turbo', 'ddim'],
      ['toy-lcm', 'lcm'],
    ] as const) {
      const named = path.join(folder, `${name}.safetensors`);
      await copyFile(file, named);
      const { result, pixels, stderr } = await drawn(folder, named);
      assert.deepEqual([result.steps, result.guidance, result.scheduler], [4, 1, scheduler]);
      assert.match(stderr, new RegExp(`${name} is named as a distilled model, so its default is 4 steps`));
      // Its steps begin at the last timestep, those of other models below it.
      assert.notEqual(pixels, plain.pixels);
    }
  }));

test('a U-Net in GGUF draws with its other parts named', () =>
  inTemporaryFolder(async (folder) => {
    const [whole, gguf] = [path.join(folder, 'toy.safetensors'), path.join(folder, 'unet.gguf')] as const;
    await writeSingleFile(whole);
    const source = await openSafetensors(whole);
    const prefix = 'model.diffusion_model.';
    const names = [...source.names()].filter((name) => name.startsWith(prefix));
    const tensors = names.map(async (name) => {
      const { shape } = source.find(name)!;
      return { name: name.slice(prefix.length), shape, values: await readFloat32(source.find(name)!) };
    });
    await writeFile(gguf, ggufBytes(await Promise.all(tensors), 'Q8_0'));
    const parts = ['--vae', whole, '--text-encoder', whole, '--steps', '2'];
    const [plain, blocks] = [await drawn(folder, whole, '--steps', '2'), await drawn(folder, gguf, ...parts)];
    assert.equal(blocks.result.model, 'unet');
    const bytes = [plain, blocks].map(({ pixels }) => Buffer.from(pixels, 'base64')) as [Buffer, Buffer];
    const differences = bytes[0].map((value, i) => Math.abs(value - bytes[1][i]!));
    assert.ok(Math.max(...differences) > 0, 'eight bits are not exact');
    assert.ok(differences.reduce((a, b) => a + b, 0) / differences.length < 3);
  }));
