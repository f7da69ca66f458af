/** The browser's picture code against libvips: what does not need a browser's own codecs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import type { Pixels } from '../host.ts';
import { codecs as native } from '../node/codecs.ts';
import { compression as zlib } from '../node/compression.ts';
import { codecs } from './codecs.ts';
import { compression } from './compression.ts';
import { readHeader } from './picture-header.ts';
import { decodePng, encodePng } from './png.ts';
import { resized } from './resize.ts';
import { stored, upright } from './turn.ts';

const MOST = 1e6;
const LIMITS = { pixels: MOST, seconds: 60 };

const picture = fc
  .record({
    width: fc.integer({ min: 1, max: 20 }),
    height: fc.integer({ min: 1, max: 20 }),
    channels: fc.constantFrom(1, 2, 3, 4) as fc.Arbitrary<Pixels['channels']>,
    seed: fc.integer({ min: 1, max: 1e6 }),
  })
  .map(({ width, height, channels, seed }): Pixels => {
    // Smooth in part, so that every filter is the best one somewhere.
    const data = Uint8Array.from({ length: width * height * channels }, (_, i) =>
      i % 7 < 4 ? (i * 3) / channels : (Math.imul(seed + i, 2654435761) >>> 24) & 255,
    );
    return { width, height, channels, data };
  });

test('PNG files of both hosts are read alike', async () => {
  await fc.assert(
    fc.asyncProperty(picture, fc.boolean(), async (pixels, wide) => {
      const data = wide ? Uint16Array.from(pixels.data, (value, i) => value * 256 + (i % 256)) : pixels.data;
      const own = encodePng({ ...pixels, data });
      assert.deepEqual(decodePng(own, MOST), { ...pixels, data });
      const depth = wide ? 16 : 8;
      const theirs = await native.decodeStored(own, LIMITS, { depth, ignoreProfile: true });
      if (theirs.channels === pixels.channels) assert.deepEqual([...theirs.data], [...data]);
      const made = await native.encode({ ...pixels, data }, { format: 'png' });
      const again = decodePng(made, MOST);
      // libvips makes colours of greys of 16 bits.
      if (again.channels === pixels.channels) assert.deepEqual([...again.data], [...data]);
      const [header, expected] = [readHeader(own)!, await native.header(own)];
      for (const key of ['width', 'height', 'format', 'pages', 'orientation', 'depth', 'palette'] as const)
        assert.equal(header[key], expected[key], key);
    }),
    { numRuns: 60 },
  );
});

test('palettes, few bits and interlaced files are read as libvips reads them', async () => {
  const [pixels] = fc.sample(picture, 1);
  const { width, height } = { width: 13, height: 9 };
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => ((i / 3) % 4) * 60 + (i % 3));
  const raw = { raw: { width, height, channels: 3 as const } };
  for (const options of [
    { palette: true, colours: 4 },
    { palette: true, colours: 2 },
    { palette: true, colours: 200 },
    { progressive: true },
    { progressive: true, palette: true, colours: 4 },
  ]) {
    const file = await sharp(data, raw).png(options).toBuffer();
    const expected = await native.decode(file, LIMITS);
    const own = decodePng(file, MOST);
    assert.equal(own.channels, expected.channels, JSON.stringify(options));
    assert.deepEqual([...own.data], [...expected.data], JSON.stringify(options));
  }
  assert.ok(pixels);
});

test('damaged PNG files are refused and cannot ask for much', () => {
  const file = encodePng({ width: 9, height: 7, channels: 3, data: new Uint8Array(9 * 7 * 3).fill(9) });
  assert.throws(() => decodePng(file, 10), /too large/);
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.nat(255), fc.nat(file.length), (at, value, length) => {
      const broken = file.slice(0, Math.max(length, at));
      broken[at] = value;
      try {
        const { width, height, channels, data } = decodePng(broken, MOST);
        assert.equal(data.length, width * height * channels);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
  );
});

test('what is inflated is bounded and checked', () => {
  const bytes = new Uint8Array(1 << 20);
  const small = zlib.deflate(bytes);
  assert.deepEqual(compression.inflate(small, bytes.length), bytes);
  assert.throws(() => compression.inflate(small, bytes.length - 1));
  assert.throws(() => compression.inflate(small.slice(0, -6), bytes.length));
  const wrong = small.slice();
  wrong[wrong.length - 1]! ^= 1;
  assert.throws(() => compression.inflate(wrong, bytes.length));
  assert.deepEqual(zlib.inflate(compression.deflate(bytes), bytes.length).length, bytes.length);
  for (const text of ['', 'a', 'Patchwork'])
    assert.equal(
      compression.crc32(new TextEncoder().encode(text)),
      zlib.crc32(new TextEncoder().encode(text)),
    );
});

test('an image is turned as its orientation says, and back', async () => {
  const [width, height] = [5, 3];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => i * 5);
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .withMetadata({ orientation })
      .toBuffer();
    const expected = await native.decode(file, LIMITS);
    const header = readHeader(file)!;
    assert.equal(header.orientation, orientation);
    const seen = upright({ width, height, channels: 3, data }, orientation);
    assert.deepEqual(
      [seen.width, seen.height, [...seen.data]],
      [expected.width, expected.height, [...expected.data]],
    );
    assert.deepEqual(stored(seen, orientation), { width, height, channels: 3, data });
  }
});

test('headers of JPEG, WebP and GIF files say the same as libvips', async () => {
  const raw = { width: 31, height: 17, channels: 3 as const };
  const image = () => sharp(new Uint8Array(31 * 17 * 3).fill(80), { raw });
  const exif = { IFD0: { Copyright: 'somebody' } };
  const files = [
    await image().jpeg().withMetadata({ orientation: 6, exif }).withIccProfile('p3').toBuffer(),
    await image().grayscale().jpeg().toBuffer(),
    await image().webp({ lossless: true }).toBuffer(),
    await image().webp().withExif(exif).withIccProfile('p3').toBuffer(),
    await image().gif().toBuffer(),
  ];
  for (const file of files) {
    const [own, expected] = [readHeader(file)!, await native.header(file)];
    for (const key of ['width', 'height', 'format', 'pages', 'orientation', 'space'] as const)
      assert.equal(own[key], expected[key], `${expected.format} ${key}`);
    assert.deepEqual([...(own.icc ?? [])], [...(expected.icc ?? [])]);
    assert.equal(own.exif !== undefined, expected.exif !== undefined, expected.format);
  }
});

test('another size differs from libvips by rounding alone', async () => {
  const [width, height] = [24, 16];
  const data = Uint8Array.from(
    { length: width * height },
    (_, i) => 128 + 60 * Math.sin((i % width) / 5) + 40 * Math.cos(Math.floor(i / width) / 4),
  );
  for (const size of [
    { width: 12, height: 8 },
    { width: 8, height: 4 },
    { width: 48, height: 32 },
  ]) {
    const expected = await native.resize({ width, height, channels: 1, data }, size);
    const own = resized({ width, height, channels: 1, data }, size);
    const worst = Math.max(...own.map((value, i) => Math.abs(value - expected[i]!)));
    assert.ok(worst <= 4, `${size.width}×${size.height}: ${worst}`);
  }
});

test('a browser that writes PNG instead of WebP is told of, with what to do', async () => {
  const known = { OffscreenCanvas: globalThis.OffscreenCanvas, ImageData: globalThis.ImageData };
  class Canvas {
    getContext = () => ({ putImageData() {} });
    convertToBlob = async () => new Blob([], { type: 'image/png' });
  }
  Object.assign(globalThis, { OffscreenCanvas: Canvas, ImageData: class {} });
  try {
    const grey: Pixels = { width: 1, height: 1, channels: 1, data: Uint8Array.of(7) };
    await assert.rejects(
      codecs.encode(grey, { format: 'webp', lossless: true }),
      /^InputError: This browser cannot write WebP files\. Save the image as PNG\.$/,
    );
  } finally {
    Object.assign(globalThis, known);
  }
});
