import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { spoilNumber } from '../../test/support/checkpoints.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { decodePicture } from '../pictures/read.ts';
import { readFloat32, readInt64 } from '../weights/read.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { temporaryFolder } from '../weights/testing.ts';
import { writeSafetensors } from '../weights/write.ts';
import { OVERLAP, TILE, tilesOf, upscale } from './upscale.ts';

const folder = path.join(import.meta.dirname, '../../test/fixtures/upscalers');
const expected = await openSafetensors(path.join(folder, 'expected.safetensors'));
const backend = new NodeBackend(1);

async function raster(name: string) {
  const tensor = expected.find(name)!;
  const [height, width] = tensor.shape as [number, number];
  const data = Uint8Array.from(await readInt64(tensor), Number);
  return { width, height, channels: 3 as const, data };
}

async function larger(
  image: Awaited<ReturnType<typeof raster>>,
  name: string,
  scale?: number,
  ending = 'safetensors',
) {
  const model = path.join(folder, `${name}.${ending}`);
  const { picture } = await upscale({ image, model, ...(scale && { scale }) }, backend);
  return decodePicture(picture.png, 'larger');
}

for (const name of ['rrdb-x4', 'original-x4', 'rrdb-x2', 'original-x2', 'compact-x4', 'compact-x2'])
  test(`${name}: the image that PyTorch computes`, async () => {
    const [image, wanted] = [await raster('image'), await raster(name)];
    const { width, height, pixels } = await larger(image, name);
    assert.deepEqual([width, height], [wanted.width, wanted.height]);
    const most = pixels.reduce(
      (largest, value, i) => Math.max(largest, Math.abs(value - wanted.data[i]!)),
      0,
    );
    assert.ok(most <= 1, `differs by ${most} of 255`);
  });

test('the names of ESRGAN’s second version, below another prefix, give the same image', async () => {
  const source = await openSafetensors(path.join(folder, 'rrdb-x4.safetensors'));
  const model = path.join(await temporaryFolder(), 'bsrgan.safetensors');
  const tensors = await Promise.all(
    [...source.names()].map(async (name) => {
      const second = name
        .replace(/body\.(\d+)\.rdb/, 'RRDB_trunk.$1.RDB')
        .replace('conv_body', 'trunk_conv')
        .replace('conv_up', 'upconv')
        .replace('conv_hr', 'HRconv');
      const { shape } = source.find(name)!;
      const values = await readFloat32(source.find(name)!);
      return {
        name: `netG.${second}`,
        dtype: 'F32' as const,
        shape,
        chunks: () => [new Uint8Array(values.buffer)],
      };
    }),
  );
  await writeSafetensors(model, tensors);
  const image = await raster('image');
  const { picture } = await upscale({ image, model }, backend);
  const { pixels } = await decodePicture(picture.png, 'larger');
  assert.deepEqual(pixels, (await larger(image, 'rrdb-x4')).pixels);
});

test('a .pth file gives the same image as the safetensors file of its weights', async () => {
  const image = await raster('image');
  const [plain, pickled] = [
    await larger(image, 'compact-x2'),
    await larger(image, 'compact-x2', undefined, 'pth'),
  ];
  assert.deepEqual(pickled.pixels, plain.pixels);
});

test('an upscaler whose weights are not finite is named, and gives no image', async () => {
  const model = path.join(await temporaryFolder(), 'spoilt.safetensors');
  await copyFile(path.join(folder, 'compact-x2.safetensors'), model);
  await spoilNumber(model, 'body.0.bias');
  await assert.rejects(upscale({ image: await raster('image'), model }, backend), {
    name: 'InputError',
    message: /^The upscaler spoilt gave numbers that are not finite/,
  });
});

/** A picture without flat parts. */
function patterned(width: number, height: number) {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return 128 + 100 * Math.sin(x / 3 + (i % 3)) * Math.cos(y / 4);
  });
  return { width, height, channels: 3 as const, data };
}

test('tiles leave no seams: a part by itself is the same part of the whole', async () => {
  const image = patterned(2 * TILE + 37, TILE + 21);
  const steps: number[] = [];
  const model = path.join(folder, 'compact-x2.safetensors');
  const onProgress = ({ step, steps: total }: { step: number; steps: number }) => steps.push(step / total);
  const { picture } = await upscale({ image, model }, backend, { onProgress });
  const whole = await decodePicture(picture.png, 'larger');
  assert.equal(steps.length, tilesOf(image.width, image.height).length);
  assert.ok(steps.length > 3 && steps.at(-1) === 1);
  // Around a place where tiles meet.
  const [left, top, side] = [TILE - 60, TILE - 120, 120];
  const cut = patterned(image.width, image.height);
  const part = new Uint8Array(3 * side * side);
  for (let y = 0; y < side; y++) {
    const from = 3 * ((top + y) * image.width + left);
    part.set(cut.data.subarray(from, from + 3 * side), 3 * y * side);
  }
  const alone = await larger({ width: side, height: side, channels: 3, data: part }, 'compact-x2');
  for (let y = 8; y < 2 * side - 8; y++)
    for (let x = 8; x < 2 * side - 8; x++) {
      const [a, b] = [3 * (y * 2 * side + x), 3 * ((2 * top + y) * whole.width + 2 * left + x)];
      for (let c = 0; c < 3; c++)
        assert.ok(Math.abs(alone.pixels[a + c]! - whole.pixels[b + c]!) <= 1, `${x},${y}`);
    }
});

test('tiles cover every picture and overlap enough', () => {
  for (const length of [1, TILE, TILE + 1, 2 * TILE, 1000, 4001]) {
    const lefts = tilesOf(length, 1).map(({ left }) => left);
    assert.equal(lefts[0], 0);
    assert.equal(lefts.at(-1)! + Math.min(TILE, length), length);
    for (const [i, left] of lefts.slice(1).entries())
      assert.ok(left - lefts[i]! <= TILE - OVERLAP, `${length}`);
  }
});

test('other scales: less by scaling down, more by another pass; alpha is kept', async () => {
  const image = await raster('image');
  const half = await larger(image, 'compact-x4', 2);
  assert.deepEqual([half.width, half.height], [28, 22]);
  const twice = await larger(image, 'compact-x2', 4);
  assert.deepEqual([twice.width, twice.height], [56, 44]);
});

test('cancelling ends it between tiles; files that are no upscaler are refused by name', async () => {
  const controller = new AbortController();
  const model = path.join(folder, 'compact-x2.safetensors');
  const running = upscale({ image: patterned(600, 400), model }, backend, {
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await assert.rejects(running, { name: 'AbortError' });
  const other = path.join(folder, '../parity/tiny-sd15/vae/diffusion_pytorch_model.safetensors');
  await assert.rejects(
    upscale({ image: patterned(8, 8), model: other }, backend),
    /no upscaler that is known/,
  );
  await assert.rejects(
    upscale({ image: patterned(5000, 5000), model, scale: 4 }, backend),
    /larger than Patchwork|more than Patchwork works with/,
  );
});

test('an image that would be too long to be opened again is refused, lying or upright', async () => {
  const data = new Uint8Array(3 * 2100);
  for (const [width, height] of [
    [2100, 1],
    [1, 2100],
  ] as const)
    await assert.rejects(larger({ width, height, channels: 3, data }, 'compact-x4'), /use a smaller scale/);
});
