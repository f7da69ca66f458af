import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import type { CutOutRequest } from '../../../shared/api.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { createEngine } from '../../engine.ts';
import { InputError } from '../../errors.ts';
import { decodePicture } from '../../pictures/read.ts';

const engine = createEngine(new NodeBackend(1));
after(() => engine.dispose());
const cat = path.join(import.meta.dirname, '../../../test/fixtures/scenes/cat.png');

const [WIDTH, HEIGHT] = [40, 24];
const pixels = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => 1 + (i % 200));
const raster = { width: WIDTH, height: HEIGHT, channels: 3, data: pixels };
const square = {
  width: WIDTH,
  height: HEIGHT,
  channels: 1,
  data: Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    return x >= 10 && x < 30 && y >= 4 && y < 20 ? 255 : 0;
  }),
};

test('a mask becomes a transparent file of the size of the image, or of what stays', async () => {
  const whole = await engine.cutOut({ image: raster, mask: square, feather: 0 });
  const read = await decodePicture(whole.picture.png, 'cut.png');
  assert.deepEqual([read.width, read.height, whole.left, whole.top], [WIDTH, HEIGHT, 0, 0]);
  assert.equal(whole.area, 20 * 16);
  for (const [i, value] of square.data.entries()) {
    assert.equal(read.alpha![i], value);
    if (value)
      assert.deepEqual([...read.pixels.slice(3 * i, 3 * i + 3)], [...pixels.slice(3 * i, 3 * i + 3)]);
  }
  const part = await engine.cutOut({ image: raster, mask: square, trim: true });
  assert.deepEqual([part.picture.width, part.picture.height, part.left, part.top], [20, 16, 10, 4]);
  const { alpha } = await decodePicture(part.picture.png, 'part.png');
  assert.deepEqual([alpha![0], alpha![8 * 20], alpha![8 * 20 + 1], alpha![8 * 20 + 2]], [85, 85, 170, 255]);
});

test('the transparency of an image stays where a mask covers it', async () => {
  const image = await sharp({ create: { width: 16, height: 8, channels: 4, background: '#08f8' } })
    .png()
    .toBuffer();
  const mask = { width: 16, height: 8, channels: 1, data: new Uint8Array(128).fill(255) };
  const { picture } = await engine.cutOut({ image, mask });
  const { alpha } = await decodePicture(picture.png, 'cut.png');
  assert.ok(alpha!.every((value) => value === 0x88));
});

test('a click cuts out the object that is there', async () => {
  const image = new Uint8Array(await readFile(cat));
  const { masks } = await engine.segment({ image, points: [{ x: 65, y: 185 }], most: 1 });
  const [{ data, area, box }] = masks as [(typeof masks)[0]];
  const cut = await engine.cutOut({ image, points: [{ x: 65, y: 185 }], trim: true });
  assert.equal(cut.area, area);
  assert.deepEqual([cut.left, cut.top], [box!.x0, box!.y0]);
  const { alpha, width } = await decodePicture(cut.picture.png, 'cut.png');
  const original = await decodePicture(image, 'cat.png');
  for (const [i, value] of alpha!.entries()) {
    const [x, y] = [cut.left + (i % width), cut.top + Math.floor(i / width)];
    assert.equal(value > 0, data[y * original.width + x] === 1);
  }
});

test('what says nothing, too much, or covers nothing is refused in a sentence', async () => {
  const black = { ...square, data: new Uint8Array(WIDTH * HEIGHT) };
  const points = [{ x: 3, y: 3 }];
  for (const [request, sentence] of [
    [{ image: raster }, /give a mask, a point or a box/],
    [{ image: raster, points: [] }, /give a mask, a point or a box/],
    [{ image: raster, mask: square, points }, /not both/],
    [{ image: raster, mask: black }, /no white pixel/],
    [{ image: raster, mask: square, feather: 65 }, /from 0 to 64/],
    [{ image: raster, points: [{ x: 40, y: 3 }] }, /outside the image, which is 40×24/],
    [{ image: { ...raster, channels: 2 }, points }, /The image must be/],
    [{ image: { ...raster, data: pixels.slice(3) }, points }, /The image/],
  ] as [CutOutRequest, RegExp][])
    await assert.rejects(
      engine.cutOut(request),
      (error) => error instanceof InputError && sentence.test(error.message),
      String(sentence),
    );
  const clear = await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 4, background: '#0000' } })
    .png()
    .toBuffer();
  await assert.rejects(engine.cutOut({ image: clear, mask: square }), /is transparent in the image/);
});
