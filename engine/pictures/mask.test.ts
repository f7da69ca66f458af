import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { activeCount, coarser, type Mask } from '../regions/mask.ts';
import { decodeMask, scaleMask } from './mask.ts';

function drawn(text: string): Mask {
  const rows = text.trim().split(/\s+/);
  const data = Uint8Array.from(rows.join(''), (character) => (character === '#' ? 1 : 0));
  return { height: rows.length, width: rows[0]!.length, data };
}

function drawing({ height, width, data }: Mask): string[] {
  return Array.from({ length: height }, (_, y) =>
    Array.from(data.subarray(y * width, (y + 1) * width), (value) => (value ? '#' : '.')).join(''),
  );
}

const png = (pixels: number[], channels: 1 | 2 | 3 | 4, width: number) =>
  sharp(Buffer.from(pixels), { raw: { width, height: pixels.length / channels / width, channels } })
    .png()
    .toBuffer();

test('white is edited, grey from the middle on', async () => {
  const bytes = await png([0, 127, 128, 255], 1, 2);
  const { mask, warnings } = await decodeMask(bytes, 'm.png', { width: 2, height: 2 });
  assert.deepEqual(drawing(mask), ['..', '##']);
  assert.deepEqual(warnings, []);
});

test('transparent is black; where nothing opaque is white, what is opaque is edited', async () => {
  const painted = await png([255, 0, 255, 255], 2, 2);
  const { mask } = await decodeMask(painted, 'm.png', { width: 2, height: 1 });
  assert.deepEqual(drawing(mask), ['.#']);
  const alphaOnly = await png([0, 0, 0, 255, 0, 0, 0, 0], 4, 2);
  const only = await decodeMask(alphaOnly, 'm.png', { width: 2, height: 1 });
  assert.deepEqual(drawing(only.mask), ['#.']);
});

/** What a mask of 8×8 marks: the four pixels in its middle, as `[inside, outside]` colours say. */
async function marked(inside: number[], outside: number[], corner = outside) {
  const size = 8;
  const isMiddle = (x: number, y: number) => x >= 3 && x < 5 && y >= 3 && y < 5;
  const isCorner = (x: number, y: number) => (x === 0 || x === size - 1) && (y === 0 || y === size - 1);
  const pixels = Array.from({ length: size ** 2 }, (_, i) => {
    const [x, y] = [i % size, Math.floor(i / size)];
    // An image rather than a plane, if requested.
    const colour = isMiddle(x, y) ? inside : isCorner(x, y) ? corner : outside;
    return colour.map((value) => (value === PHOTO ? (37 * x + 91 * y) % 256 : value));
  }).flat();
  const bytes = await png(pixels, inside.length as 1 | 2 | 3 | 4, size);
  const { mask, warnings } = await decodeMask(bytes, 'm.png', { width: size, height: size });
  const inMiddle = drawing(mask)
    .slice(3, 5)
    .every((row) => row.slice(3, 5) === '##');
  return { count: activeCount(mask), inMiddle, warnings };
}
const PHOTO = -1;

test('a hole, a label map, a palette and colours: what is taken is said with its share', async () => {
  const photo = [PHOTO, PHOTO, PHOTO];
  for (const [name, inside, outside, taken] of [
    ['a hole in a photo', [0, 0, 0, 0], [...photo, 255], 'the transparent hole'],
    ['a hole that keeps its colours', [...photo, 0], [...photo, 255], 'the transparent hole'],
    ['a hole in black', [0, 0, 0, 0], [0, 0, 0, 255], 'the transparent hole'],
    ['a hole in white', [255, 255, 255, 0], [255, 255, 255, 255], 'the transparent hole'],
    ['painted red on nothing', [255, 0, 0, 255], [0, 0, 0, 0], 'the opaque part'],
    ['painted white on nothing', [255, 255, 255, 255], [0, 0, 0, 0], 'the opaque part'],
    ['an object cut out', [...photo, 255], [0, 0, 0, 0], 'the opaque part'],
    ['a label map', [1], [0], 'the part whose value is not 0'],
    ['another label map', [7], [0], 'the part whose value is not 0'],
    ['red on black', [255, 0, 0], [0, 0, 0], 'the part that is not black'],
    ['a palette of labels', [128, 0, 0], [0, 0, 0], 'the part that is not black'],
    ['red on white', [255, 0, 0], [255, 255, 255], 'the coloured part'],
    ['dark grey on black', [100], [0], 'the lighter of its two greys'],
    ['two dark greys', [90], [40], 'the lighter of its two greys'],
    ['two light greys', [255], [160], 'the lighter of its two greys'],
    ['two labels without 0', [2], [1], 'the lighter of its two greys'],
    ['a hole that was half erased', [...photo, 128], [...photo, 255], 'the transparent hole'],
    ['painted thinly on nothing', [255, 255, 255, 100], [0, 0, 0, 0], 'the opaque part'],
  ] as const) {
    const { count, inMiddle, warnings } = await marked([...inside], [...outside]);
    assert.deepEqual([count, inMiddle], [4, true], name);
    assert.deepEqual(warnings, [`m.png: ${taken} was taken as what to edit, 6.3 % of it.`], name);
  }
  for (const [name, inside, outside] of [
    ['white on black', [255], [0]],
    ['light grey on dark grey', [200], [90]],
    ['white on black beside nothing', [255, 255, 255, 255], [0, 0, 0, 255]],
  ] as const) {
    const { count, inMiddle, warnings } = await marked([...inside], [...outside]);
    assert.deepEqual([count, inMiddle, warnings], [4, true, []], name);
  }
  const beside = await marked([255, 255, 255, 255], [0, 0, 0, 255], [0, 0, 0, 0]);
  assert.deepEqual([beside.count, beside.inMiddle, beside.warnings], [4, true, []]);
});

test('of labels whose values are far apart none is lost; greys of a lossy format are two', async () => {
  const size = 32;
  const taken = async (encode: (image: Sharp) => Sharp, levels: readonly [number, number]) => {
    const isAt = (i: number, from: number) =>
      [i % size, Math.floor(i / size)].every((place) => place >= from && place < from + 8);
    const pixels = Buffer.from(
      Array.from({ length: size * size }, (_, i) => (isAt(i, 4) ? levels[0] : isAt(i, 20) ? levels[1] : 0)),
    );
    const image = sharp(pixels, { raw: { width: size, height: size, channels: 1 } });
    const { mask, warnings } = await decodeMask(await encode(image).toBuffer(), 'm', {
      width: size,
      height: size,
    });
    return [activeCount(mask), /: the (.*) was/.exec(warnings[0]!)![1]];
  };
  for (const levels of [
    [5, 21],
    [1, 20],
    [7, 90],
  ] as const)
    assert.deepEqual(await taken((image) => image.png(), levels), [128, 'part whose value is not 0']);
  const lossy = await taken((image) => image.jpeg({ quality: 95 }), [100, 100]);
  assert.deepEqual(lossy, [128, 'lighter of its two greys']);
});

test('a mask without white is refused', async () => {
  for (const bytes of [await png([0, 10, 20, 0], 1, 2), await png([0, 255, 0, 255], 2, 2)])
    await assert.rejects(decodeMask(bytes, 'black.png', { width: 2, height: 2 }), {
      name: 'InputError',
      message: 'black.png has no white pixel, so it selects nothing.',
    });
});

test('a mask of another size is scaled and the user is warned', async () => {
  const bytes = await png([0, 255], 1, 2);
  const { mask, warnings } = await decodeMask(bytes, 'm.png', { width: 4, height: 2 });
  assert.deepEqual(drawing(mask), ['..##', '..##']);
  assert.deepEqual(warnings, ["The mask is 2×1 pixels and was scaled to the image's 4×2."]);
});

test('thin strokes stay when a mask is made smaller', () => {
  for (let x = 0; x < 37; x++) {
    const data = new Uint8Array(37 * 37);
    for (let y = 0; y < 37; y++) data[y * 37 + x] = 1;
    const small = scaleMask({ width: 37, height: 37, data }, 5, 8);
    assert.equal(activeCount(small), 8, `column ${x}`);
  }
});

test('a latent position is active where any pixel of its block is', () => {
  const mask = drawn(`
    .....#...
    .........
    .........
    .........
    #.......#`);
  assert.deepEqual(drawing(coarser(mask, 4)), ['.#.', '#.#']);
});
