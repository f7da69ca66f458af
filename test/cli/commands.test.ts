import assert from 'node:assert/strict';
import { copyFile, cp, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { inTemporaryFolder, patchwork, patchworkHere } from './patchwork.ts';

const fixtures = path.join(import.meta.dirname, '..', 'fixtures');
const masks = path.join(import.meta.dirname, '../../media/masks');
const parity = path.join(fixtures, 'parity');
const json = async (...args: string[]) => JSON.parse((await patchwork([...args, '--json'])).stdout);

test('macs counts published architectures from their definition', async () => {
  const square = await json('macs', 'sd15', '--size', '512x512', '--batch', '2');
  assert.equal((square.dense / 1e9).toFixed(1), '803.3');
  const wide = await json('macs', 'sd15', '--size', '1024x512', '--batch', '2');
  assert.equal((wide.dense / 1e9).toFixed(1), '1848.5');
  const decoder = await json('macs', 'sd15', '--size', '512x512', '--part', 'vae-decoder');
  assert.equal((decoder.dense / 1e9).toFixed(1), '1257.3');
  assert.deepEqual(Object.keys(square).includes('byKind') && Object.keys(square).includes('byLevel'), true);
});

test('macs --part unet is the denoiser by its older name', async () => {
  const counted = (part: string) => json('macs', 'sd15', '--size', '512x512', '--part', part);
  assert.deepEqual(await counted('unet'), await counted('denoiser'));
});

test('macs counts the networks that look at pictures', async () => {
  const encoder = await json('macs', 'efficientvit-sam-l0', '--size', '512x512');
  assert.equal((encoder.dense / 1e9).toFixed(0), '35');
  assert.equal((encoder.parameters / 1e6).toFixed(1), '30.7');
  const decoder = await json('macs', 'efficientvit-sam-l0', '--size', '512x512', '--part', 'mask-decoder');
  assert.equal((decoder.parameters / 1e6).toFixed(1), '4.1');
});

test('macs --workers tells what each worker computes and receives', async () => {
  const { dense, workers } = await json(
    'macs',
    'sd15',
    '--size',
    '512x512',
    '--batch',
    '2',
    '--workers',
    '4',
  );
  assert.equal(workers.length, 4);
  for (const { macs, receivedBytes } of workers) {
    assert.ok(macs > dense / 4.1 && macs < dense / 3.9);
    assert.ok(receivedBytes > 1e6);
  }
});

test('macs takes a model folder, with no weights read', () =>
  inTemporaryFolder(async (folder) => {
    for (const part of ['unet', 'vae', 'text_encoder', 'scheduler']) {
      await mkdir(path.join(folder, part));
      const name = part === 'scheduler' ? 'scheduler_config.json' : 'config.json';
      await copyFile(path.join(parity, 'tiny-sd15', part, name), path.join(folder, part, name));
    }
    await copyFile(path.join(parity, 'tiny-sd15', 'model_index.json'), path.join(folder, 'model_index.json'));
    const { dense } = await json('macs', folder, '--size', '128x128');
    assert.ok(dense > 1e6 && dense < 1e9, String(dense));
  }));

test('macs --mask counts the published edits of the SIGE paper on its own masks', async () => {
  for (const [name, giga] of [
    ['inpaint', '262.6'],
    ['img2img-0', '63.1'],
    ['img2img-1', '123.8'],
  ] as const) {
    const mask = path.join(masks, `${name}.active-64x128.png`);
    const count = await json('macs', 'sd15', '--size', '1024x512', '--batch', '2', '--mask', mask);
    assert.equal((count.active / 1e9).toFixed(1), giga);
    assert.equal((count.dense / 1e9).toFixed(1), '1848.5');
  }
});

test('bench compares dense and sparse runs of one step, interleaved', async () => {
  const mask = path.join(masks, 'img2img-0.active-64x128.png');
  const model = path.join(parity, 'tiny-sd15');
  const args = [
    'bench',
    'dense',
    'sparse',
    '--model',
    model,
    '--size',
    '256x128',
    '--mask',
    mask,
    '--repeat',
    '2',
  ];
  const { rows, machine } = JSON.parse((await patchwork([...args, '--json'])).stdout);
  assert.deepEqual(
    rows.map((row: { case: string; mode: string }) => [row.case, row.mode]),
    [
      ['dense', 'dense'],
      ['sparse', 'sparse'],
    ],
  );
  for (const { macs, medianSeconds, minSeconds, maxSeconds, peakBytes } of rows) {
    assert.ok(macs > 0 && peakBytes > 1e6);
    assert.ok(0 < minSeconds && minSeconds <= medianSeconds && medianSeconds <= maxSeconds);
  }
  assert.ok(rows[1].macs < rows[0].macs / 2);
  assert.ok(Number.isFinite(rows[1].psnr) && rows[1].storeBytes > 0 && rows[1].diskBytes > 0);
  assert.ok(machine.cores > 0 && machine.processor !== '');
});

test('bench --layers: what each layer does when it alone is quantized, the worst first', async () => {
  const { layers } = await json('bench', 'dense', '--precision', 'int8', '--size', '64x64', '--layers', '4');
  assert.equal(layers.length, 4);
  for (const [i, { precision, psnr, layer }] of layers.entries()) {
    assert.ok(precision === 'int8' && layer.endsWith('.weight'));
    assert.ok(psnr > 10 && (i === 0 || psnr >= layers[i - 1].psnr), `${layer}: ${psnr}`);
  }
});

test('bench --whole writes the pictures that it compares; --isolate starts the engine process', () =>
  inTemporaryFolder(async (folder) => {
    const args = ['bench', 'dense', 'sparse', '--whole', '--size', '64x64', '--mask', '20%', '--steps', '2'];
    const more = ['--repeat', '1', '--precision', 'fp32', '--isolate', '--profile', '--pictures', folder];
    const { rows, steps, isolated } = await json(...args, ...more);
    assert.deepEqual([steps, isolated, rows[1].mask], [2, true, '20 %']);
    for (const { operators, peakBytes } of rows) assert.ok(operators.length > 5 && peakBytes > 50e6);
    assert.ok(Number.isFinite(rows[1].psnr) && rows[1].stepSeconds.length > 0 && rows[1].ssim <= 1);
    assert.deepEqual((await readdir(folder)).sort(), ['dense.png', 'original.png', 'sparse.png']);
  }));

test('verify passes on a checkpoint and says which tensors it compared', async () => {
  const { code, stdout } = await patchwork(['verify', path.join(parity, 'tiny-sdxl'), '--json']);
  const result = JSON.parse(stdout);
  assert.equal(code, 0);
  assert.equal(result.pass, true);
  assert.ok(result.worst.relative < 1e-4);
  assert.ok(result.tensors.some(({ name }: { name: string }) => name === 'unet.out.t981'));
});

test('verify fails, with exit code 1, when a weight is wrong', () =>
  inTemporaryFolder(async (folder) => {
    await cp(path.join(parity, 'tiny-sd21-v-fp16'), folder, { recursive: true });
    const file = path.join(folder, 'unet', 'diffusion_pytorch_model.safetensors');
    const bytes = await readFile(file);
    // The sign of one number in every hundred.
    for (let i = bytes.length - 1; i > bytes.length / 2; i -= 200) bytes[i]! ^= 0x80;
    await writeFile(file, bytes);
    const { code, stdout } = await patchwork(['verify', folder, '--json']);
    assert.equal(code, 1);
    assert.equal(JSON.parse(stdout).pass, false);
  }));

test('a truncated weight file is named in one sentence, with exit code 2', () =>
  inTemporaryFolder(async (folder) => {
    await cp(path.join(parity, 'tiny-sd21-v-fp16'), folder, { recursive: true });
    await truncate(path.join(folder, 'unet', 'diffusion_pytorch_model.safetensors'), 700_000);
    const { code, stderr } = await patchwork(['verify', folder, '--json']);
    assert.equal(code, 2);
    assert.match(stderr, /diffusion_pytorch_model\.safetensors/);
    assert.equal(stderr.trim().split('\n').length, 1);
  }));

test('an unsupported class is named, with what is supported', () =>
  inTemporaryFolder(async (folder) => {
    await cp(path.join(parity, 'tiny-sd15'), folder, { recursive: true });
    const config = path.join(folder, 'unet', 'config.json');
    const changed = JSON.parse(await readFile(config, 'utf8'));
    changed.down_block_types[0] = 'AttnDownBlock2D';
    await writeFile(config, JSON.stringify(changed));
    const { code, stderr } = await patchwork(['verify', folder]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /"AttnDownBlock2D" is not supported; supported: "CrossAttnDownBlock2D", "DownBlock2D"/,
    );
  }));

test('bad usage exits with 2 and names the allowed values', async () => {
  for (const [args, sentence] of [
    [['macs', 'sd99', '--size', '512x512'], /sd15, sd21, sdxl/],
    [['macs', 'sd15', '--size', '512', '--part', 'classifier'], /WIDTHxHEIGHT/],
    [['macs', 'sd15', '--size', '512x512', '--part', 'classifier'], /has no classifier; its parts: denoiser/],
    [['macs', 'efficientvit-b1', '--size', '512x512', '--part', 'denoiser'], /its parts: classifier/],
    [['macs', 'sd15', '--size', '500x512'], /multiples of 8/],
    [['macs', 'sd15'], /--size/],
    [['generate', 'a house', '-o', 'x.png', '--steps', '0'], /from 1 to 150/],
    [['generate', 'a house', '-o', 'x.png', '--steps', 'many'], /from 1 to 150/],
    [['generate', 'a house', '-o', 'x.png', '--seed', '-2'], /from 0 to 9007199254740991/],
    [['generate', 'a house', '-o', 'x.png', '--guidance', 'NaN'], /from 0 to 50/],
    [['generate', 'a house', '-o', 'x.png', '--size', '8192x8192'], /from 64 to 2048/],
    [['generate', 'a house', '-o', 'x.png', '--scheduler', 'plms'], /ddim.*dpmpp-2m-karras/],
    [['generate', 'a house', '-o', 'x.png', '--model', 'no/such/folder'], /no\/such\/folder/],
    [['bench', 'fast'], /dense/],
    [['bench', 'sparse'], /needs a mask/],
    [['bench', 'dense', '--precision', 'fp31'], /fp32/],
    [['bench', 'dense', '--arch', 'sd15', '--whole'], /architecture/],
    [['generate', ''], /Enter a prompt/],
    [['generate', ' \n'], /Enter a prompt/],
    [['edit', 'a.png', ' ', '--mask', 'b.png'], /Enter a prompt/],
    [['edit', 'a.png', 'a boat', '--mask', 'b.png', '--object', 'house'], /once which part to repaint/],
    [
      ['edit', 'no-a.png', 'a boat', '--mask', 'no-b.png'],
      /no-a\.png: it does not exist.*no-b\.png: it does/,
    ],
    [['edit', 'README.md', 'a boat', '--mask', 'no-b.png'], /README\.md is not .*no-b\.png: it does not/],
    [['generate', 'a house', '-o', 'a.bmp'], /a\.bmp must end in \.png, \.jpg/],
    [['generate', 'a house', '-o', 'house'], /house must end in \.png, \.jpg/],
    [['generate', 'a house', '-o', 'no-folder/a.jpg', '--count', '2'], /no-folder\/a-1\.jpg: its folder/],
    [['segment', 'a.png', '--object', '1', '-o', 'a.jpg'], /a\.jpg must end in \.png: masks/],
    [['segment', 'a.png', '--object', '1', '--point', '1,1'], /not both/],
    [['describe', 'README.md'], /README\.md is not an image/],
    [['objects', 'no-a.png'], /no-a\.png: it does not exist/],
    [['batch', 'a house', '--prompts', 'prompts.txt', '-o', 'images'], /not both/],
    [['batch', '-o', 'images'], /Give a prompt, or a file/],
    [['batch', ' ', '-o', 'images'], /Give a prompt, or a file/],
    [['batch', 'a house'], /--output/],
    [['verify', 'media/models/scenes'], /scenes has no reference tensors/],
    [['models', 'get'], /missing required argument 'id'/],
    [['models', 'remove', 'scenes'], /scenes comes with Patchwork and cannot be removed/],
    [['models', 'remove', 'no/model'], /no\/model is not installed/],
    [['paint'], /unknown command/],
    [['models', 'x'], /models has no ‘x’, only list, get, remove/],
    [['models', 'list', 'x'], /list takes no argument/],
    [['models', 'get'], /missing required argument 'id'/],
    [['models', 'get', 'a', 'b'], /too many arguments/],
    [['models', 'get', 'a', '--no'], /unknown option/],
    [['models', 'remove'], /missing required argument/],
  ] as const) {
    const { code, stdout, stderr } = await patchworkHere(args);
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, sentence);
    assert.equal(stdout, '');
  }
});

test('the process ends with the code of what it refuses', async () => {
  for (const [args, sentence] of [
    [['models', 'list', 'x'], /list takes no argument/],
    [['generate', ''], /Enter a prompt/],
  ] as const) {
    const { code, stdout, stderr } = await patchwork(args);
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, sentence);
    assert.equal(stdout, '');
  }
});
