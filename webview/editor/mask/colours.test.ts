import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { colourOf, layOver, textOf, wipe } from './colours.ts';

const RED = [200, 0, 40] as const;

test('a covered pixel has the colour, an uncovered one stays, a half covered one is between', () => {
  const pixels = Uint8Array.from([0, 0, 0, 0, 10, 20, 30, 255, 100, 100, 140, 255, 0, 0, 0, 0]);
  layOver(pixels, Uint8Array.from([255, 0, 128, 64]), RED);
  assert.deepEqual([...pixels.subarray(0, 8)], [...RED, 255, 10, 20, 30, 255]);
  const [red, green, blue, opacity] = pixels.subarray(8);
  assert.deepEqual([red, green, blue, opacity], [150, 50, 90, 255]);
  // Over nothing only the opacity is less.
  assert.deepEqual([...pixels.subarray(12)], [...RED, 64]);
});

test('erasing takes opacity away, and leaves zeros where nothing is left', () => {
  const pixels = Uint8Array.from([...RED, 255, ...RED, 255, ...RED, 100]);
  wipe(pixels, Uint8Array.from([255, 55, 0]));
  assert.deepEqual([...pixels], [0, 0, 0, 0, ...RED, 200, ...RED, 100]);
});

test('colours are written and read', () => {
  fc.assert(
    fc.property(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)), (colour) => {
      assert.deepEqual(colourOf(textOf(colour)), colour);
    }),
  );
  assert.deepEqual(colourOf('red'), [0, 0, 0]);
});
