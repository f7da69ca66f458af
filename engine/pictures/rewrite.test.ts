import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import type { Recipe } from '../../shared/api.ts';
import { gaussianNoise } from '../noise.ts';
import { chunkType, PngWalk, pngChunk, withChunks } from './png-chunks.ts';
import { readPngText, withPngText } from './png-text.ts';
import { decodePicture } from './read.ts';
import { readRecipe } from './recipe.ts';
import { lossesOf, rewritePicture } from './rewrite.ts';

const [WIDTH, HEIGHT] = [13, 9];
const bytes = (length: number) =>
  Uint8Array.from(gaussianNoise(3, 0, length), (value) => Math.floor(Math.abs(value) * 1000) % 256);
const raw = (channels: 3 | 4) =>
  sharp(bytes(WIDTH * HEIGHT * channels), { raw: { width: WIDTH, height: HEIGHT, channels } });

const recipe: Recipe = {
  prompt: 'a boat',
  negativePrompt: '',
  model: 'scenes',
  seed: 1,
  steps: 4,
  guidance: 2,
  width: WIDTH,
  height: HEIGHT,
  scheduler: 'ddim',
  precision: 'fp32',
};

/** The upright picture with one pixel painted red. */
async function withRedPixel(file: Uint8Array, x: number, y: number): Promise<Uint8Array> {
  const { pixels, width } = await decodePicture(file, 'x');
  const painted = Uint8Array.from(pixels);
  painted.set([255, 0, 0], 3 * (y * width + x));
  return painted;
}

const stored = (file: Uint8Array, depth: 'uchar' | 'ushort' = 'uchar') =>
  sharp(file, { ignoreIcc: true })
    .toColourspace(depth === 'ushort' ? 'rgb16' : 'srgb')
    .raw({ depth })
    .toBuffer({ resolveWithObject: true });

/** Positions whose stored values differ. */
async function changes(before: Uint8Array, after: Uint8Array, depth?: 'ushort'): Promise<number[]> {
  const [a, b] = await Promise.all([stored(before, depth), stored(after, depth)]);
  assert.deepEqual(
    [b.info.width, b.info.height, b.info.channels],
    [a.info.width, a.info.height, a.info.channels],
  );
  const size = (a.info.channels * (depth === 'ushort' ? 2 : 1)) as number;
  const places = new Set<number>();
  for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) places.add(Math.floor(i / size));
  return [...places];
}

test('lossless pictures: only the repainted pixel changes, whatever depth, alpha, profile or orientation', async () => {
  const files = {
    png: await raw(3).png().toBuffer(),
    alpha: await raw(4).png().toBuffer(),
    profile: await raw(3).withIccProfile('p3').png().toBuffer(),
    webp: await raw(4).webp({ lossless: true, exact: true }).toBuffer(),
  };
  for (const [name, file] of Object.entries(files)) {
    const format = name === 'webp' ? 'webp' : 'png';
    const result = await rewritePicture(file, await withRedPixel(file, 4, 2), format);
    assert.equal(result.exact, true, name);
    assert.deepEqual(await changes(file, result.bytes), [2 * WIDTH + 4], name);
    const seen = await decodePicture(result.bytes, 'x');
    const red = [...seen.pixels.subarray(3 * (2 * WIDTH + 4), 3 * (2 * WIDTH + 4) + 3)];
    assert.ok(red[0]! > 250 && red[1]! < 6 && red[2]! < 6, `${name}: ${red}`);
    const [a, b] = [await sharp(file).metadata(), await sharp(result.bytes).metadata()];
    assert.deepEqual(b.icc, a.icc, name);
  }
});

test('16 bits stay 16 bits', async () => {
  const deep = new Uint16Array(WIDTH * HEIGHT * 3).map((_, i) => (i * 977) % 65536);
  const file = await sharp(deep, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  const result = await rewritePicture(file, await withRedPixel(file, 1, 1), 'png');
  assert.equal((await sharp(result.bytes).metadata()).depth, 'ushort');
  assert.deepEqual(await changes(file, result.bytes, 'ushort'), [WIDTH + 1]);
});

test('all orientations: the pixel lands where it is seen, and EXIF stays', async () => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = await raw(3)
      .withMetadata({ orientation })
      .withExifMerge({ IFD0: { Artist: 'Ada' } })
      .png()
      .toBuffer();
    const result = await rewritePicture(file, await withRedPixel(file, 5, 3), 'png');
    assert.equal((await changes(file, result.bytes)).length, 1);
    const seen = await decodePicture(result.bytes, 'x');
    assert.deepEqual(
      [...seen.pixels.subarray(3 * (3 * seen.width + 5), 3 * (3 * seen.width + 5) + 3)],
      [255, 0, 0],
    );
    const metadata = await sharp(result.bytes).metadata();
    assert.equal(metadata.orientation, orientation);
    assert.match(metadata.exif!.toString('latin1'), /Ada/);
  }
});

test('texts and the recipe of a PNG stay; a new recipe takes the place of the old', async () => {
  const file = withPngText(
    withPngText(await raw(3).png().toBuffer(), 'Comment', 'mine'),
    'parameters',
    'a tree',
  );
  const pixels = await withRedPixel(file, 0, 0);
  const kept = (await rewritePicture(file, pixels, 'png')).bytes;
  assert.deepEqual([readPngText(kept, 'Comment'), readPngText(kept, 'parameters')], ['mine', 'a tree']);
  const rewritten = (await rewritePicture(file, pixels, 'png', { recipe })).bytes;
  assert.equal(readRecipe(rewritten)?.prompt, 'a boat');
  assert.equal(readPngText(rewritten, 'Comment'), 'mine');
});

test('JPEG and WebP with loss: high quality, said so, with their metadata; and from one format into another', async () => {
  const exif = { IFD0: { Artist: 'Ada' } };
  const sources = {
    jpeg: await raw(3).withIccProfile('p3').withExifMerge(exif).jpeg({ quality: 90 }).toBuffer(),
    webp: await raw(3).withIccProfile('p3').withExifMerge(exif).webp({ quality: 90 }).toBuffer(),
    png: await raw(4).withIccProfile('p3').withExifMerge(exif).png().toBuffer(),
  };
  for (const [from, file] of Object.entries(sources))
    for (const to of ['jpeg', 'webp', 'png'] as const) {
      const result = await rewritePicture(file, await withRedPixel(file, 2, 2), to);
      const metadata = await sharp(result.bytes).metadata();
      assert.equal(metadata.format, to);
      assert.deepEqual([metadata.width, metadata.height], [WIDTH, HEIGHT]);
      assert.deepEqual(metadata.icc, (await sharp(file).metadata()).icc, `${from} to ${to}`);
      assert.match(metadata.exif!.toString('latin1'), /Ada/, `${from} to ${to}`);
      assert.equal(result.exact, to === 'png' || (to === 'webp' && from === 'png'), `${from} to ${to}`);
    }
});

test('greys and inks become RGB without their profiles', async () => {
  const grey = await sharp(bytes(WIDTH * HEIGHT), { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  const inks = await raw(3).withIccProfile('cmyk').jpeg().toBuffer();
  for (const [file, format] of [[grey, 'png'] as const, [inks, 'jpeg'] as const]) {
    const { bytes, exact } = await rewritePicture(file, await withRedPixel(file, 1, 1), format);
    const metadata = await sharp(bytes).metadata();
    assert.deepEqual([metadata.space, metadata.icc, exact], ['srgb', undefined, format === 'png']);
    if (exact) assert.deepEqual(await changes(file, bytes), [WIDTH + 1]);
  }
});

test('animations are refused', async () => {
  const frames = [raw(3), raw(3).negate()];
  const webp = await sharp(await Promise.all(frames.map((frame) => frame.png().toBuffer())), {
    join: { animated: true },
  })
    .webp()
    .toBuffer();
  const apng = withChunks(await raw(3).png().toBuffer(), pngChunk('acTL', new Uint8Array(8)), () => true);
  for (const [file, format] of [[webp, 'webp'] as const, [apng, 'png'] as const])
    await assert.rejects(
      rewritePicture(file, new Uint8Array(3 * WIDTH * HEIGHT), format),
      /^InputError: The image is animated/,
    );
});

test('what a file will not keep is known before it is rewritten', async () => {
  const create = { width: 4, height: 4, channels: 3 as const, background: '#80b0e0' };
  const picture = () => sharp({ create });
  const png = await picture().png().toBuffer();
  assert.deepEqual(await lossesOf(png, 'png'), []);
  assert.match((await lossesOf(png, 'jpeg')).join(' '), /JPEG is saved at quality 95/);
  assert.match(
    (await lossesOf(await picture().webp().toBuffer(), 'webp')).join(' '),
    /WebP is saved at quality/,
  );
  assert.deepEqual(await lossesOf(await picture().webp({ lossless: true }).toBuffer(), 'webp'), []);
  const cmyk = await picture().toColourspace('cmyk').jpeg().toBuffer();
  assert.match((await lossesOf(cmyk, 'jpeg')).join(' '), /quality 95.*CMYK colours become sRGB/);
  assert.deepEqual(await lossesOf(await picture().png({ palette: true }).toBuffer(), 'png'), [
    'The palette becomes full colour.',
  ]);
});

/** The stored bytes of an image's chunks of a type. */
function chunksOf(png: Uint8Array, type: string): string[] {
  const walk = new PngWalk(png);
  const found: string[] = [];
  while (walk.next())
    if (walk.type === chunkType(type))
      found.push(Buffer.from(png.slice(walk.start, walk.end)).toString('latin1'));
  return found;
}

test('texts are carried as they are: long, damaged, of a wrong checksum, of colour or grey', async () => {
  const long = pngChunk('tEXt', Buffer.from(`workflow\0${'x'.repeat((1 << 20) + 5)}`));
  const damaged = pngChunk('zTXt', Buffer.from('notes\0\0nonsense'));
  const wrong = Buffer.from(pngChunk('iTXt', Buffer.from('title\0\0\0\0\0mine')));
  wrong[wrong.length - 1]! ^= 1;
  const added = Buffer.concat([long, damaged, wrong]);
  const grey = sharp(bytes(WIDTH * HEIGHT), { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
    .toColourspace('b-w')
    .png();
  for (const bare of [
    await raw(3).png().toBuffer(),
    await raw(4).withIccProfile('p3').png().toBuffer(),
    await grey.toBuffer(),
  ]) {
    const file = withChunks(withPngText(bare, 'parameters', 'a tree\nSteps: 4, Seed: 1'), added, () => true);
    assert.equal((await decodePicture(file, 'x')).recipe?.seed, 1, 'the recipe comes after the long text');
    const { bytes: saved } = await rewritePicture(file, await withRedPixel(file, 1, 1), 'png', { recipe });
    for (const type of ['zTXt', 'iTXt', 'iCCP'])
      assert.deepEqual(chunksOf(saved, type), chunksOf(file, type), type);
    assert.ok(chunksOf(saved, 'tEXt').includes(Buffer.from(long).toString('latin1')));
    assert.equal(readRecipe(saved)?.prompt, recipe.prompt);
  }
});

test('what opens with damage can be saved, in every format', async () => {
  const jpeg = await raw(3).jpeg({ quality: 90 }).toBuffer();
  const scan = jpeg.indexOf(Buffer.of(0xff, 0xda));
  const spectral = Buffer.from(jpeg);
  // The last byte but one of the scan's header: Samsung's phones write 0 where 63 should be.
  spectral[scan + 2 + jpeg.readUInt16BE(scan + 2) - 2] = 0;
  const premature = Buffer.from(jpeg);
  premature.fill(0xff, jpeg.length - 40, jpeg.length - 36);
  const extraneous = Buffer.concat([jpeg.subarray(0, scan), Buffer.alloc(9, 1), jpeg.subarray(scan)]);
  for (const [name, file] of Object.entries({ spectral, premature, extraneous }))
    for (const format of ['png', 'jpeg', 'webp'] as const) {
      const result = await rewritePicture(file, await withRedPixel(file, 1, 1), format);
      assert.equal((await decodePicture(result.bytes, 'x')).width, WIDTH, `${name} to ${format}`);
    }
});

test('a colour profile that another format would read otherwise is not carried, and what is seen stays', async () => {
  const file = await raw(3).withIccProfile('p3').jpeg({ quality: 100 }).toBuffer();
  const at = file.indexOf('ICC_PROFILE\0') + 14;
  let differing = 0;
  // Length, rendering intent, signature, and the place and length of a tag: readers judge these differently.
  for (const [place, value] of [
    [0, 9],
    [64, 255],
    [36, 0],
    [143, 255],
    [166, 9],
  ] as const) {
    const damaged = Buffer.from(file);
    damaged[at + place] = value;
    const before = await decodePicture(damaged, 'x');
    for (const format of ['png', 'webp', 'jpeg'] as const) {
      const { bytes: saved, exact } = await rewritePicture(
        damaged,
        await withRedPixel(damaged, 0, 0),
        format,
      );
      if (format !== 'png') continue;
      const after = await decodePicture(saved, 'x');
      const most = Math.max(
        ...before.pixels.subarray(3).map((value, i) => Math.abs(value - after.pixels[i + 3]!)),
      );
      assert.ok(most <= 1, `byte ${place}: ${most}`);
      if (!exact) differing++;
    }
  }
  assert.ok(differing > 0, 'one of these is read otherwise');
});

test('on a larger canvas the old pixels keep their own values, whatever depth, alpha, profile or orientation', async () => {
  const base = await raw(4).png().toBuffer();
  const files = {
    alpha: base,
    deep: await raw(3).toColourspace('rgb16').png().toBuffer(),
    profile: await raw(3).withIccProfile('p3').png().toBuffer(),
    turned: await raw(3).withMetadata({ orientation: 6 }).png().toBuffer(),
    mirrored: await raw(3).withMetadata({ orientation: 5 }).webp({ lossless: true }).toBuffer(),
  };
  const cases = Object.entries(files).flatMap(([name, file]) =>
    [
      { left: -3, top: -2, right: 1, bottom: 0 },
      { left: 1, top: -1, right: -2, bottom: -1 },
    ].map((sides) => ({ name, file, ...sides })),
  );
  for (const { name, file, left, top, right, bottom } of cases) {
    const old = await decodePicture(file, name);
    const frame = { left, top, width: old.width - left + right, height: old.height - top + bottom };
    const placeOf = (x: number, y: number) => {
      const [u, v] = [x + left, y + top];
      return u >= 0 && v >= 0 && u < old.width && v < old.height ? v * old.width + u : undefined;
    };
    const pixels = new Uint8Array(3 * frame.width * frame.height).fill(50);
    for (let y = 0, at = 0; y < frame.height; y++)
      for (let x = 0; x < frame.width; x++, at++) {
        const place = placeOf(x, y);
        if (place !== undefined) pixels.set(old.pixels.subarray(3 * place, 3 * place + 3), 3 * at);
      }
    const format = name === 'mirrored' ? 'webp' : 'png';
    const { bytes: saved, exact } = await rewritePicture(file, pixels, format, { frame });
    const now = await decodePicture(saved, name);
    assert.deepEqual([now.width, now.height], [frame.width, frame.height], name);
    assert.ok(exact, name);
    for (let y = 0; y < frame.height; y++)
      for (let x = 0; x < frame.width; x++) {
        const at = y * frame.width + x;
        const place = placeOf(x, y);
        const expected = place === undefined ? 50 : old.pixels[3 * place]!;
        // A profile's colours are rounded.
        assert.ok(Math.abs(now.pixels[3 * at]! - expected) <= 2, `${name} at ${x}, ${y}`);
        if (old.alpha) assert.equal(now.alpha![at], place === undefined ? 255 : old.alpha[place]);
      }
  }
});
