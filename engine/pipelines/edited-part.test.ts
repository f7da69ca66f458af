import assert from 'node:assert/strict';
import test from 'node:test';
import { editedPart } from './edited-part.ts';

const SIDE = 40;
const image = { width: SIDE, height: SIDE, channels: 3, data: new Uint8Array(3 * SIDE ** 2) };
/** The upper `rows` rows. */
const masked = (rows: number) => ({
  width: SIDE,
  height: SIDE,
  channels: 1,
  data: new Uint8Array(SIDE ** 2).fill(255, 0, rows * SIDE),
});

test('what is removed is grown by a few pixels; more than half of the image is done with a warning', async () => {
  const marked = async (rows: number) => {
    const part = await editedPart({ prompt: '', image, mask: masked(rows), remove: true });
    return { rows: part.mask.data.reduce((sum, value) => sum + value, 0) / SIDE, warnings: part.warnings };
  };
  assert.deepEqual(await marked(6), { rows: 18, warnings: [] });
  const { rows, warnings } = await marked(24);
  assert.equal(rows, 36);
  assert.match(warnings.join(' '), /More than half of the image is removed/);
});

test('a removal is grown in proportion to a large image, up to a limit', async () => {
  const grownBy = async (width: number) => {
    const picture = { width, height: 100, channels: 3, data: new Uint8Array(3 * width * 100) };
    const mask = { width, height: 100, channels: 1, data: new Uint8Array(width * 100) };
    mask.data.fill(255, 0, 10 * width);
    const part = await editedPart({ prompt: '', image: picture, mask, remove: true });
    return part.mask.data.reduce((sum, value) => sum + value, 0) / width - 10;
  };
  assert.deepEqual([await grownBy(128), await grownBy(512), await grownBy(4096)], [12, 24, 32]);
});

test('without a mask all of the image is painted; a hole in an opaque mask is said to be taken', async () => {
  const all = await editedPart({ prompt: 'a lake', image });
  assert.ok(all.mask.data.every((value) => value === 1));
  const data = new Uint8Array(4 * SIDE ** 2).fill(200);
  for (let i = 0; i < SIDE ** 2; i++) data[4 * i + 3] = i >= 400 && i < 600 ? 0 : 255;
  const { mask, warnings } = await editedPart({
    prompt: 'a lake',
    image,
    mask: { width: SIDE, height: SIDE, channels: 4, data },
  });
  assert.equal(
    mask.data.reduce((sum, value) => sum + value, 0),
    200,
  );
  assert.match(warnings.join(' '), /transparent hole was taken as what to edit, 12\.5 % of it/);
});
