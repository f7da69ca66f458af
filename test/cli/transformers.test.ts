import assert from 'node:assert/strict';
import { copyFile, mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { writeCheckpoint } from '../support/checkpoints.ts';
import { inTemporaryFolder, type Outcome, patchwork } from './patchwork.ts';

const fixtures = path.join(import.meta.dirname, '..', 'fixtures');

const pixels = async (file: string) => sharp(file).removeAlpha().raw().toBuffer();

/** Black, with a white square of 30 pixels. */
async function writeMask(file: string, side: number): Promise<void> {
  const white = { create: { width: 30, height: 30, channels: 3, background: 'white' } } as const;
  const mask = sharp({ create: { width: side, height: side, channels: 3, background: 'black' } });
  await mask
    .composite([{ input: white, left: 33, top: 33 }])
    .png()
    .toFile(file);
}

function assertRefused({ code, stderr }: Outcome, sentence: RegExp): void {
  assert.equal(code, 2, stderr);
  assert.match(stderr, sentence);
}

test('SANA-Sprint, a folder: an image, an edit of it, workers; a size and a folder that do not do are named', () =>
  inTemporaryFolder(async (folder) => {
    const at = (name: string) => path.join(folder, name);
    await writeCheckpoint(at('sana'), 'sana-sprint');
    await writeMask(at('mask.png'), 128);
    const fixed = ['--model', at('sana'), '--seed', '3', '--json'];
    const size = ['--size', '128x128'];
    const drawn = await patchwork(['generate', 'a house', '-o', at('a.png'), ...size, ...fixed]);
    assert.equal(drawn.code, 0, drawn.stderr);
    assert.equal(JSON.parse(drawn.stdout).steps, 2);
    const args = ['edit', at('a.png'), 'a lake', '--mask', at('mask.png'), '-o', at('b.png'), ...fixed];
    const edited = await patchwork([...args, '--precision', 'int8']);
    assert.equal(edited.code, 0, edited.stderr);
    const [before, after, mask] = await Promise.all(['a.png', 'b.png', 'mask.png'].map((n) => pixels(at(n))));
    assert.ok(before!.every((value, i) => mask![i] !== 0 || after![i] === value));
    assert.ok(before!.some((value, i) => after![i] !== value));
    const team = ['--workers', '2', '--precision', 'fp32'];
    const shared = await patchwork(['generate', 'a house', '-o', at('c.png'), ...size, ...fixed, ...team]);
    assert.equal(shared.code, 0, shared.stderr);
    assert.equal(JSON.parse(shared.stdout).workers.length, 2);

    const odd = ['generate', 'a house', '-o', at('d.png'), '--size', '120x128', ...fixed];
    assertRefused(await patchwork(odd), /width .* multiple of 32 from 64 to 2048 pixels, not 120/);
    await rename(at('sana/transformer'), at('sana/elsewhere'));
    assertRefused(await patchwork(['generate', 'a', '-o', at('d.png'), ...fixed]), /sana.*transformer/);
  }));

test('Nitro-E, one file with its parts beside it: an image in DC-AE’s cells, an edit, the small decoder', () =>
  inTemporaryFolder(async (folder) => {
    const at = (name: string) => path.join(folder, name);
    await writeCheckpoint(folder, 'nitro-e');
    const file = at('Nitro-E-512px-dist.safetensors');
    await rename(at('transformer/diffusion_pytorch_model.safetensors'), file);
    await rename(at('tokenizer'), at('elsewhere'));
    const fixed = ['--model', file, '--seed', '3', '--json'];
    const generate = (name: string, ...options: string[]) =>
      patchwork(['generate', 'a house', '-o', at(name), ...fixed, ...options]);
    assertRefused(await generate('a.png'), /tokenizer of its text encoder is missing; put/);
    await rename(at('elsewhere'), at('tokenizer'));
    const drawn = await generate('a.png');
    assert.equal(drawn.code, 0, drawn.stderr);
    const { steps, width, height } = JSON.parse(drawn.stdout);
    assert.deepEqual([steps, width, height], [4, 512, 512]);
    await writeMask(at('mask.png'), 512);
    const args = ['edit', at('a.png'), 'a lake', '--mask', at('mask.png'), '-o', at('b.png'), ...fixed];
    const edited = await patchwork(args);
    assert.equal(edited.code, 0, edited.stderr);
    // 30 pixels at 33 lie in the first cell of 4×4 positions of 32 pixels.
    assert.deepEqual(JSON.parse(edited.stdout).activeFraction[0], 16 / 256);
    const small = () => generate('c.png', '--decoder', 'fast');
    assertRefused(await small(), /taesana_decoder\.pth/);
    await mkdir(at('vae_approx'));
    await copyFile(
      path.join(fixtures, 'tiny-decoders/taesana_decoder.pth'),
      at('vae_approx/taesana_decoder.pth'),
    );
    const fast = await small();
    assert.equal(fast.code, 0, fast.stderr);
    assert.notDeepEqual(await pixels(at('c.png')), await pixels(at('a.png')));
  }));

test('FLUX.2 klein, a folder: a reference image is read; a LoRA of another model is named', () =>
  inTemporaryFolder(async (folder) => {
    const at = (name: string) => path.join(folder, name);
    await writeCheckpoint(at('klein'), 'flux2-klein');
    await sharp({ create: { width: 96, height: 64, channels: 3, background: '#05f' } })
      .png()
      .toFile(at('blue.png'));
    const fixed = ['--model', at('klein'), '--seed', '3', '--steps', '2', '--json'];
    const generate = (name: string, ...options: string[]) =>
      patchwork(['generate', 'make it night', '-o', at(name), ...fixed, ...options]);
    const plain = await generate('a.png', '--size', '96x64');
    assert.equal(plain.code, 0, plain.stderr);
    const seeing = await generate('b.png', '--reference', at('blue.png'));
    assert.equal(seeing.code, 0, seeing.stderr);
    const { width, height } = JSON.parse(seeing.stdout);
    assert.deepEqual([width, height], [96, 64]);
    assert.notDeepEqual(await pixels(at('b.png')), await pixels(at('a.png')));
    const lora = path.join(fixtures, 'single-file/sdxl/lora.safetensors');
    assertRefused(await generate('c.png', '--lora', lora), /lora\.safetensors/);
  }));
