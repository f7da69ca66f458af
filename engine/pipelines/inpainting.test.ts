import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import type { EditRequest, Engine } from '../../shared/api.ts';
import { writeCheckpoint } from '../../test/support/checkpoints.ts';
import { writeSingleFile } from '../../test/support/single-file.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { createEngine } from '../engine.ts';
import { InputError } from '../errors.ts';
import { Components } from '../execution/components.ts';
import { RegionAutoencoder } from '../execution/crops/region-autoencoder.ts';
import { floats } from '../graph/tensor.ts';
import { DiffusionModel } from '../models/diffusion-model.ts';
import { psnr } from '../pictures/psnr.ts';
import { decodePicture } from '../pictures/read.ts';
import { coarser, type Mask } from '../regions/mask.ts';
import { editPlanes } from './inpainting.ts';

const SIDE = 64;
let folder: string;
let engine: Engine;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-inpainting-'));
  process.env.PATCHWORK_CACHE = path.join(folder, 'cache');
  await writeCheckpoint(path.join(folder, 'model'), 'sd15-inpaint');
  engine = createEngine(new NodeBackend(1));
});
after(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true, force: true });
});

const canvas = (background: string) =>
  ({ create: { width: SIDE, height: SIDE, channels: 3, background } }) as const;
const square = async (side: number) =>
  sharp(canvas('#000'))
    .composite([
      { input: { create: { ...canvas('#fff').create, width: side, height: side } }, left: 8, top: 16 },
    ])
    .png()
    .toBuffer();
const image = await sharp(canvas('#369')).png().toBuffer();
const request = async (more: Partial<EditRequest> = {}): Promise<EditRequest> => ({
  prompt: 'a house',
  model: path.join(folder, 'model'),
  image,
  mask: await square(24),
  seed: 3,
  steps: 3,
  strength: 1,
  ...more,
});
const pixels = async (png: Uint8Array) => (await decodePicture(png, 'The picture')).pixels;

test('a sparse edit under a mask of everything is the dense edit', async () => {
  const mask = await sharp(canvas('#fff')).png().toBuffer();
  const [sparse, dense] = [
    await engine.edit(await request({ mask, mode: 'sparse' })),
    await engine.edit(await request({ mask, mode: 'dense' })),
  ];
  const [a, b] = [await pixels(sparse.picture.png), await pixels(dense.picture.png)];
  assert.ok(psnr(a, b) > 45, `${psnr(a, b)} dB`);
});

test('one recording serves every later mask, and later edits of the edited picture', async () => {
  const first = await engine.edit(await request());
  const second = await engine.edit(await request({ mask: await square(32), prompt: 'a boat' }));
  assert.equal(second.recordedSteps, 0);
  assert.ok(first.recordedSteps <= 3);
  const again = await engine.edit(await request({ image: first.picture.png }));
  assert.equal(again.recordedSteps, 0);
});

test('a model that sees the mask is shown nothing of what is under it', async () => {
  const backend = new NodeBackend(1);
  const components = new Components(await DiffusionModel.open(path.join(folder, 'model')), backend, 1);
  const autoencoder = new RegionAutoencoder(components);
  const hole = rectangle(SIDE, { left: 16, top: 16, side: 24 });
  const painted = coarser(hole, 8);
  const window = { left: 0, top: 0, width: SIDE, height: SIDE };
  const shown = async (inside: number) => {
    const planes = new Float32Array(3 * SIDE ** 2).map((_, i) =>
      hole.data[i % SIDE ** 2] ? inside : Math.sin(i),
    );
    const { planes: seen } = await editPlanes(autoencoder, { planes, window, hole, painted }, [4, 8, 8]);
    return floats({ seen }, 'seen');
  };
  const [one, other] = [await shown(-1), await shown(0.7)];
  assert.deepEqual(one, other);
  assert.deepEqual([...one.subarray(0, 64)], [...painted.data], 'the mask comes first');
  await components.release();
});

function rectangle(size: number, { left, top, side }: { left: number; top: number; side: number }): Mask {
  const data = Uint8Array.from({ length: size ** 2 }, (_, i) => {
    const [x, y] = [i % size, Math.floor(i / size)];
    return Number(x >= left && x < left + side && y >= top && y < top + side);
  });
  return { width: size, height: size, data };
}

test('a U-Net of nine channels under the name of a plain pipeline is refused, and says what to change', async () => {
  const wrong = path.join(folder, 'wrong');
  await cp(path.join(folder, 'model'), wrong, { recursive: true });
  const index = path.join(wrong, 'model_index.json');
  const text = await readFile(index, 'utf8');
  await writeFile(index, text.replace('StableDiffusionInpaintPipeline', 'StableDiffusionPipeline'));
  await assert.rejects(
    DiffusionModel.open(wrong),
    (error) =>
      error instanceof InputError && /inpainting.*StableDiffusionInpaintPipeline/.test(error.message),
  );
});

test('a U-Net of four channels under the name of an inpainting pipeline edits by blending, and says so; one of eight is refused', async () => {
  const plain = path.join(folder, 'plain');
  await writeCheckpoint(plain, 'sd15');
  const index = path.join(plain, 'model_index.json');
  const text = await readFile(index, 'utf8');
  await writeFile(index, text.replace('StableDiffusionPipeline', 'StableDiffusionInpaintPipeline'));
  const edited = await engine.edit(await request({ model: plain, strength: 0.9 }));
  const [before, after] = [await pixels(image), await pixels(edited.picture.png)];
  assert.notDeepEqual(after, before);
  const note = /^plain is named as an inpainting model, but its U-Net takes 4 channels instead of 9:/;
  assert.ok(edited.warnings.some((warning) => note.test(warning)));
  const config = path.join(plain, 'unet/config.json');
  const unet = JSON.parse(await readFile(config, 'utf8'));
  await writeFile(config, JSON.stringify({ ...unet, in_channels: 8 }));
  await assert.rejects(
    DiffusionModel.open(plain),
    (error) => error instanceof InputError && /takes 8 channels.*InstructPix2Pix/.test(error.message),
  );
});

test('a U-Net of four channels in a folder or a file that is named for inpainting is said to see no mask', async () => {
  const notesOf = async (place: string) => (await DiffusionModel.open(place)).editNotes;
  const named = path.join(folder, 'dreams-Inpainting');
  await writeCheckpoint(named, 'sd15');
  assert.match((await notesOf(named)).join(), /^dreams-Inpainting is named .* takes 4 channels instead of 9/);
  const file = path.join(folder, 'dreams_inpaint.safetensors');
  await writeSingleFile(file);
  assert.match((await notesOf(file)).join(), /^dreams_inpaint is named .* takes 4 channels instead of 9/);
  const other = path.join(folder, 'dreams.safetensors');
  await rename(file, other);
  assert.deepEqual(await notesOf(other), []);
  assert.deepEqual(await notesOf(path.join(folder, 'model')), []);
});
