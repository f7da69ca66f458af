import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
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

test('a mask without white is refused', async () => {
  for (const bytes of [await png([0, 10, 20, 0], 1, 2), await png([0, 255, 0, 255], 2, 2)])
    await assert.rejects(decodeMask(bytes, 'black.png', { width: 2, height: 2 }), {
      name: 'InputError',
      message: 'black.png has no white pixel, so there is nothing to edit.',
    });
});

test('a mask of another size is scaled and the user is told', async () => {
  const bytes = await png([0, 255], 1, 2);
  const { mask, warnings } = await decodeMask(bytes, 'm.png', { width: 4, height: 2 });
  assert.deepEqual(drawing(mask), ['..##', '..##']);
  assert.deepEqual(warnings, ["The mask is 2×1 pixels and was scaled to the picture's 4×2."]);
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
