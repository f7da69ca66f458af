import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { fullMask } from '../regions/mask.ts';
import { coloursOf, paintedPart, paintsInside, withColours } from './colours.ts';

const size = { width: 40, height: 30 };
const COUNT = size.width * size.height;
const picture = { ...size, pixels: new Uint8Array(3 * COUNT).fill(100) };

/** Red in one pixel, with an opacity. */
function dot(opacity: number, at = 15 * size.width + 20) {
  const alpha = new Uint8Array(COUNT);
  alpha[at] = opacity;
  const pixels = new Uint8Array(3 * COUNT);
  pixels[3 * at] = 255;
  return { ...size, pixels, alpha };
}

test('what is painted is the mask, with a few pixels around it; faint skirts are not', () => {
  const { data } = paintedPart(dot(255), size);
  const rows = [...data.keys()].filter((i) => data[i]);
  assert.equal(rows.length, 17 ** 2);
  assert.deepEqual([rows[0], rows.at(-1)], [7 * size.width + 12, 23 * size.width + 28]);
  assert.ok(paintedPart(dot(25), size).data.every((value) => value === 0));
});

test('whether anything is painted in a mask is known', () => {
  const mask = fullMask(size.height, size.width);
  assert.ok(paintsInside(dot(255, 7), mask));
  assert.ok(!paintsInside(dot(20, 7), mask), 'a skirt');
  mask.data[7] = 0;
  assert.ok(!paintsInside(dot(255, 7), mask));
});

test('colours of another size, without transparency or without colour are refused', () => {
  assert.throws(
    () => coloursOf({ ...dot(255), width: 30, height: 40 }, size, 'The colours'),
    /The colours are 30×40 pixels; they must have the image's 40×30/,
  );
  assert.throws(() => coloursOf(picture, size, 'The colours'), /cover the whole image/);
  assert.throws(
    () => coloursOf({ ...picture, alpha: new Uint8Array(COUNT).fill(255) }, size, 'The colours'),
    /cover the whole image/,
  );
  assert.throws(() => coloursOf(dot(20), size, 'The colours'), /transparent everywhere/);
});

test('a picture lies under its colours by their opacity, in the mask alone', () => {
  fc.assert(
    fc.property(fc.nat(255), fc.nat(COUNT - 1), fc.boolean(), (opacity, at, masked) => {
      const mask = fullMask(size.height, size.width);
      if (!masked) mask.data[at] = 0;
      const { pixels } = withColours(picture, dot(opacity, at), mask);
      const share = masked ? opacity / 255 : 0;
      const expected = [100 + share * 155, 100 - share * 100, 100 - share * 100].map(Math.round);
      assert.deepEqual([...pixels.subarray(3 * at, 3 * at + 3)], expected);
      assert.ok(pixels.every((value, i) => Math.floor(i / 3) === at || value === 100));
    }),
    { numRuns: 50 },
  );
});
