import assert from 'node:assert/strict';
import test from 'node:test';
import { includedPositions, withoutIslands } from './islands.ts';

const SIDE = 20;

/** Logits of 2 in squares [left, top, side], −1 elsewhere. */
function squares(...list: [left: number, top: number, side: number][]): Float32Array {
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    return list.some(([left, top, side]) => x >= left && x < left + side && y >= top && y < top + side)
      ? 2
      : -1;
  });
}
const inner = { width: SIDE, height: SIDE };
const mask = (logits: Float32Array) => [...logits].map((value) => value > 0);

test('islands far smaller than what was clicked are gone, and larger parts stay', () => {
  const [object, part, island] = [
    [1, 1, 10],
    [12, 1, 4],
    [15, 15, 2],
  ] as [number, number, number][];
  const logits = squares(object!, part!, island!);
  const kept = squares(object!, part!);
  const clicked = [5 * SIDE + 5];
  assert.deepEqual(mask(withoutIslands(logits, SIDE, { included: clicked, inner })), mask(kept));
  assert.deepEqual(mask(withoutIslands(logits, SIDE, { included: [], inner })), mask(kept));
  // A click beside the mask.
  assert.deepEqual(mask(withoutIslands(logits, SIDE, { included: [SIDE * SIDE - 1], inner })), mask(kept));
});

test('what is clicked is no island, however small', () => {
  const logits = squares([1, 1, 10], [12, 12, 2]);
  const [object, speck] = [5 * SIDE + 5, 12 * SIDE + 12];
  assert.deepEqual(withoutIslands(logits, SIDE, { included: [object, speck], inner }), logits);
  assert.deepEqual(withoutIslands(logits, SIDE, { included: [speck], inner }), logits);
  assert.deepEqual(withoutIslands(squares(), SIDE, { included: [0], inner }), squares());
});

test('what is far from what was clicked is another object, however large; what is near is a part of it', () => {
  // Ten positions wide: one position of a gap is near, two are far.
  const [object, near, far] = [
    [1, 5, 10],
    [12, 5, 4],
    [13, 12, 6],
  ] as [number, number, number][];
  const logits = squares(object!, near!, far!);
  const included = [8 * SIDE + 5];
  const kept = withoutIslands(logits, SIDE, { included, inner });
  assert.deepEqual(mask(kept), mask(squares(object!, near!)));
  // The other way round.
  const other = withoutIslands(logits, SIDE, { included: [15 * SIDE + 15], inner });
  assert.deepEqual(mask(other), mask(squares(far!)));
  // Who draws a box says how far the object reaches.
  assert.deepEqual(withoutIslands(logits, SIDE, { included: [], boxed: true, inner }), logits);
});

test('a part at the edge of the picture belongs to what was clicked: a hill behind an object is split', () => {
  const [left, right] = [
    [1, 5, 6],
    [14, 5, 6],
  ] as [number, number, number][];
  const logits = squares(left!, right!);
  const included = [8 * SIDE + 3];
  assert.deepEqual(withoutIslands(logits, SIDE, { included, inner }), logits);
  assert.deepEqual(withoutIslands(logits, SIDE, { included: [8 * SIDE + 16], inner }), logits);
  // Of a narrow picture the mask is padded.
  const narrow = squares(left!, [12, 5, 6]);
  const wide = withoutIslands(narrow, SIDE, { included, inner });
  assert.deepEqual(mask(wide), mask(squares(left!)));
  assert.deepEqual(withoutIslands(narrow, SIDE, { included, inner: { width: 18, height: SIDE } }), narrow);
});

test('points to include are found in the decoder’s mask, others and corners of boxes are not', () => {
  const prompt = { coordinates: [0, 0, 255, 128, 10, 10, 300, -2], labels: [1, 1, 0, 1] };
  assert.deepEqual(includedPositions(prompt, 64, 256), [0, 32 * 64 + 63, 63]);
  assert.deepEqual(includedPositions({ coordinates: [1, 1, 9, 9], labels: [2, 3] }, 64, 256), []);
});
