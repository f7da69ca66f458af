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
  assert.deepEqual(mask(withoutIslands(logits, SIDE, clicked)), mask(kept));
  assert.deepEqual(mask(withoutIslands(logits, SIDE, [])), mask(kept));
  // A click beside the mask.
  assert.deepEqual(mask(withoutIslands(logits, SIDE, [SIDE * SIDE - 1])), mask(kept));
});

test('what is clicked is no island, however small', () => {
  const logits = squares([1, 1, 10], [15, 15, 2]);
  assert.deepEqual(withoutIslands(logits, SIDE, [5 * SIDE + 5, 15 * SIDE + 15]), logits);
  assert.deepEqual(withoutIslands(logits, SIDE, [15 * SIDE + 15]), logits);
  assert.deepEqual(withoutIslands(squares(), SIDE, [0]), squares());
});

test('points to include are found in the decoder’s mask, others and corners of boxes are not', () => {
  const prompt = { coordinates: [0, 0, 255, 128, 10, 10, 300, -2], labels: [1, 1, 0, 1] };
  assert.deepEqual(includedPositions(prompt, 64, 256), [0, 32 * 64 + 63, 63]);
  assert.deepEqual(includedPositions({ coordinates: [1, 1, 9, 9], labels: [2, 3] }, 64, 256), []);
});
