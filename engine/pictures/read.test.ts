import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { codecs } from '#host';
import { recipeOf } from '../../shared/testing.ts';
import { InputError } from '../errors.ts';
import { gaussianNoise } from '../noise.ts';
import { temporaryFolder } from '../weights/testing.ts';
import { openPicture } from './open.ts';
import { encodePng } from './png.ts';
import { decodePicture, PICTURE_LIMITS, readPicture } from './read.ts';
import { withRecipe } from './recipe.ts';

const folder = await temporaryFolder();

/** A picture with a red left and a blue right half. */
function halves(width = 16, height = 8) {
  const pixels = Buffer.alloc(3 * width * height);
  for (let i = 0; i < width * height; i++) pixels[3 * i + (i % width < width / 2 ? 0 : 2)] = 255;
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

function noise(side = 64) {
  const pixels = Buffer.from(gaussianNoise(3, 0, 3 * side * side).map((value) => 128 + 40 * value));
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } });
}

function pixelAt(picture: { width: number; pixels: Uint8Array }, x: number, y: number): number[] {
  return [...picture.pixels.subarray(3 * (y * picture.width + x), 3 * (y * picture.width + x) + 3)];
}

function near(actual: number[], expected: number[], tolerance: number): void {
  const far = actual.some((value, i) => Math.abs(value - expected[i]!) > tolerance);
  assert.ok(!far, `${actual} is not near ${expected}`);
}

function pngChunk(type: string, data: Uint8Array): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

/** A PNG that declares any size. */
function declaredPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const chunks = [
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(100))),
    pngChunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([signature, ...chunks]);
}

test('lossless formats give the pixels that were written', async () => {
  for (const bytes of [
    await halves().png().toBuffer(),
    await halves().png({ palette: true }).toBuffer(),
    await halves().webp({ lossless: true }).toBuffer(),
    await halves().tiff({ compression: 'lzw' }).toBuffer(),
    await halves().gif().toBuffer(),
  ]) {
    const picture = await decodePicture(bytes, 'halves');
    assert.deepEqual([picture.width, picture.height], [16, 8]);
    assert.deepEqual(pixelAt(picture, 0, 0), [255, 0, 0]);
    assert.deepEqual(pixelAt(picture, 15, 7), [0, 0, 255]);
  }
});

test('EXIF orientation is applied', async () => {
  const bytes = await halves(32, 16).withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer();
  const picture = await decodePicture(bytes, 'rotated.jpg');
  assert.deepEqual([picture.width, picture.height], [16, 32]);
  near(pixelAt(picture, 8, 2), [255, 0, 0], 12);
  near(pixelAt(picture, 8, 30), [0, 0, 255], 12);
});

test('CMYK, grey and 16 bits become 8-bit sRGB', async () => {
  const grey = await sharp({ create: { width: 9, height: 9, channels: 3, background: '#808080' } })
    .greyscale()
    .png()
    .toBuffer();
  assert.deepEqual(pixelAt(await decodePicture(grey, 'grey.png'), 4, 4), [128, 128, 128]);
  const deep = await halves().toColourspace('rgb16').png().toBuffer();
  assert.equal((await sharp(deep).metadata()).depth, 'ushort');
  const shallow = await decodePicture(deep, 'deep.png');
  near(pixelAt(shallow, 0, 0), [255, 0, 0], 1);
  assert.equal(shallow.pixels.length, 3 * 16 * 8);
  const cmyk = await halves(32, 16).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
  assert.equal((await sharp(cmyk).metadata()).space, 'cmyk');
  const picture = await decodePicture(cmyk, 'cmyk.jpg');
  const [red, green, blue] = pixelAt(picture, 2, 8);
  assert.ok(red! > 200 && green! < 60 && blue! < 60);
});

test('alpha is kept apart, of colours and of greys', async () => {
  const pixels = Buffer.from([10, 20, 30, 0, 40, 50, 60, 200]);
  const rgba = await sharp(pixels, { raw: { width: 2, height: 1, channels: 4 } })
    .png()
    .toBuffer();
  const picture = await decodePicture(rgba, 'rgba.png');
  assert.deepEqual([...picture.pixels], [10, 20, 30, 40, 50, 60]);
  assert.deepEqual([...picture.alpha!], [0, 200]);
  const grey = await sharp(Buffer.from([100, 7, 100, 255]), { raw: { width: 2, height: 1, channels: 2 } })
    .png()
    .toBuffer();
  const greyPicture = await decodePicture(grey, 'grey.png');
  assert.deepEqual([...greyPicture.pixels], [100, 100, 100, 100, 100, 100]);
  assert.deepEqual([...greyPicture.alpha!], [7, 255]);
  assert.equal((await decodePicture(await halves().png().toBuffer(), 'opaque.png')).alpha, undefined);
});

test('of an animation the first frame is read', async () => {
  const frames = [await halves().png().toBuffer(), await noise(16).resize(16, 8).png().toBuffer()];
  const animated = await sharp(frames, { join: { animated: true } })
    .webp({ lossless: true })
    .toBuffer();
  assert.equal((await sharp(animated).metadata()).pages, 2);
  const picture = await decodePicture(animated, 'animated.webp');
  assert.deepEqual([picture.width, picture.height], [16, 8]);
  assert.deepEqual(pixelAt(picture, 0, 0), [255, 0, 0]);
});

test('the recipe is read, and an odd text does no harm', async () => {
  const png = await encodePng(new Float32Array(3 * 64), 8, 8);
  const recipe = recipeOf({ width: 8, height: 8 });
  const picture = await decodePicture(withRecipe(png, recipe), 'made.png');
  assert.deepEqual(picture.recipe, recipe);
  const broken = Buffer.concat([
    png.subarray(0, 33),
    pngChunk('zTXt', Buffer.from('parameters\0\0broken')),
    png.subarray(33),
  ]);
  assert.equal((await decodePicture(broken, 'odd.png')).recipe, undefined);
});

test('damaged files are refused in a sentence that names them', async () => {
  const png = await noise().png().toBuffer();
  const jpeg = await noise().jpeg().toBuffer();
  const webp = await noise().webp().toBuffer();
  const broken: Record<string, Uint8Array> = {
    'empty.png': Buffer.alloc(0),
    'text.png': Buffer.from('not a picture at all'),
    'signature.png': png.subarray(0, 8),
    'half.png': png.subarray(0, png.length / 2),
    'half.jpg': jpeg.subarray(0, jpeg.length / 2),
    'half.webp': webp.subarray(0, webp.length / 2),
    'header.jpg': jpeg.subarray(0, 20),
    'zeros.jpg': Buffer.alloc(1000),
  };
  for (const [name, bytes] of Object.entries(broken))
    await assert.rejects(decodePicture(bytes, name), (error: unknown) => {
      assert.ok(error instanceof InputError, `${name}: ${error}`);
      assert.match(error.message, /^[^\n]+\.$/);
      return error.message.includes(name);
    });
});

test('formats that are not decoded are named, whatever the file is called, and never reach a decoder', async () => {
  const container = (...brands: string[]) => {
    const box = Buffer.concat([Buffer.from('\0\0\0\0ftyp'), Buffer.from(brands.join(''))]);
    box.writeUInt32BE(box.length);
    return Buffer.concat([box, Buffer.alloc(500)]);
  };
  const svg = (begin: string) =>
    `${begin}<svg xmlns="http://www.w3.org/2000/svg" width="6000" height="6000"><filter id="f"><feTurbulence numOctaves="9"/></filter><rect width="6000" height="6000" filter="url(#f)"/></svg>`;
  for (const [bytes, sentence] of [
    [container('heic', '\0\0\0\0', 'mif1', 'heic'), /photo\.jpg is a HEIC photo.*convert it to JPEG/],
    [container('mif1', '\0\0\0\0', 'mif1', 'heix'), /HEIC/],
    [svg(''), /is an SVG drawing.*export it as PNG/],
    [svg('\ufeff<?xml version="1.0"?>\n<!-- a comment -->\n'), /SVG/],
    ['%PDF-1.7 ...', /PDF/],
    ['BM\x36\0\0\0\0\0\0\0', /BMP/],
    ['\0\0\0\x0cJXL \r\n', /JPEG XL/],
    ['8BPS\0\x01', /Photoshop/],
    ['P6 2 2 255 xxxxxxxxxxxx', /not an image that can be read/],
    [container('isom', 'mp42'), /not an image/],
    ['RIFF\x24\0\0\0WAVEfmt ', /not an image/],
  ] as const)
    await assert.rejects(decodePicture(Buffer.from(bytes as string), 'photo.jpg'), (error: Error) => {
      assert.ok(error instanceof InputError);
      return sentence.test(error.message);
    });
  const avif = await halves().avif({ lossless: true }).toBuffer();
  assert.deepEqual(pixelAt(await decodePicture(avif, 'x'), 0, 0), [255, 0, 0]);
  // Not by its beginning alone: libvips would take this for an SVG.
  const { codecs } = await import('#host');
  await assert.rejects(codecs.header(Buffer.from(svg(''))));
  await assert.rejects(codecs.header(Buffer.from('P6 1 1 255 abc')));
});

test('a wrong extension does not matter', async () => {
  const picture = await decodePicture(await halves().jpeg().toBuffer(), 'really-a-jpeg.png');
  assert.equal(picture.width, 16);
});

test('flipped bytes give a picture or an InputError, nothing else', async () => {
  const files = [await noise(24).png().toBuffer(), await noise(24).jpeg().toBuffer()];
  const random = gaussianNoise(7, 0, 400);
  for (const [i, file] of files.entries())
    for (let round = 0; round < 30; round++) {
      const bytes = Buffer.from(file);
      for (let k = 0; k < 3; k++) {
        const value = Math.floor(Math.abs(random[(i * 90 + round * 3 + k) % random.length]!) * 1e6);
        bytes[value % bytes.length]! ^= 1 << (value % 8);
      }
      const { limit } = await decodePicture(bytes, 'flipped').then(
        ({ width, height }) => ({ limit: width * height }),
        (error: unknown) => {
          assert.ok(error instanceof InputError, String(error));
          return { limit: 0 };
        },
      );
      assert.ok(limit <= PICTURE_LIMITS.pixels);
    }
});

test('sizes beyond the bounds are refused before anything is decoded', async () => {
  const sizes: [number, number][] = [
    [8193, 8],
    [8, 100_000],
    [8000, 8000],
    [2 ** 30, 2 ** 30],
  ];
  for (const [width, height] of sizes)
    await assert.rejects(decodePicture(declaredPng(width, height), 'huge.png'), {
      name: 'InputError',
      message: /^huge\.png .*\.$/,
    });
  await assert.rejects(decodePicture(declaredPng(8000, 8000), 'huge.png'), {
    message:
      'huge.png is 8000×8000 pixels; at most 8192 pixels along a side and 40 megapixels can be opened.',
  });
});

test('a decoder that never ends, or gives up itself, is one sentence', async (t) => {
  const png = await halves().png().toBuffer();
  const opened = await openPicture(png, 'a.png', { ...PICTURE_LIMITS, seconds: 0.2 });
  const sentence = { name: 'InputError', message: 'a.png takes too long to decode.' };
  const never = () => new Promise<never>(() => {});
  for (const decode of [never, () => Promise.reject(new Error('timeout: 12% complete'))]) {
    for (const name of ['header', 'decode', 'decodeStored'] as const) t.mock.method(codecs, name, decode);
    await assert.rejects(openPicture(png, 'a.png', { ...PICTURE_LIMITS, seconds: 0.2 }), sentence);
    await assert.rejects(opened.decode(), sentence);
    await assert.rejects(opened.decodeStored({ depth: 8, ignoreProfile: false }), sentence);
    t.mock.restoreAll();
  }
});

test('files that cannot be read are refused with the reason', async () => {
  await mkdir(join(folder, 'folder.png'));
  await writeFile(join(folder, 'good.png'), await halves().png().toBuffer());
  assert.equal((await readPicture(join(folder, 'good.png'))).width, 16);
  await assert.rejects(readPicture(join(folder, 'none.png')), {
    name: 'InputError',
    message: /^Cannot read .*none\.png: it does not exist\.$/,
  });
  await assert.rejects(readPicture(join(folder, 'folder.png')), {
    name: 'InputError',
    message: /it is a folder/,
  });
  await assert.rejects(readPicture(join(folder, 'good.png', 'x.png')), { name: 'InputError' });
});
