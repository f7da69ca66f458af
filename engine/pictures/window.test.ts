import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../errors.ts';
import type { Box } from '../regions/box.ts';
import { chooseWindow, windowMask, windowPlanes } from './window.ts';

const box = (left: number, top: number, right: number, bottom: number): Box => ({
  x: { from: left, to: right },
  y: { from: top, to: bottom },
});

test('a picture within the bound is taken whole, padded to multiples of 8', () => {
  const mask = box(1, 1, 2, 2);
  assert.deepEqual(chooseWindow({ width: 513, height: 640 }, mask), {
    left: 0,
    top: 0,
    width: 520,
    height: 640,
  });
  assert.deepEqual(chooseWindow({ width: 2048, height: 10 }, mask), {
    left: 0,
    top: 0,
    width: 2048,
    height: 64,
  });
});

test('sides are as the model takes them', () => {
  const sizes = { min: 64, max: 1024, multipleOf: 32 };
  const { width, height } = chooseWindow({ width: 513, height: 40 }, box(1, 1, 2, 2), sizes);
  assert.deepEqual([width, height], [544, 64]);
  const part = chooseWindow({ width: 3000, height: 900 }, box(1, 1, 2, 2), sizes);
  assert.deepEqual([part.width, part.height], [1024, 928]);
  assert.throws(() => chooseWindow({ width: 3000, height: 900 }, box(0, 0, 1100, 9), sizes), /1024×1024/);
});

test('neighbouring edits of a large picture share a window', () => {
  const picture = { width: 8000, height: 3000 };
  const first = chooseWindow(picture, box(4000, 1500, 4100, 1600));
  assert.deepEqual(chooseWindow(picture, box(4050, 1480, 4180, 1620)), first);
  assert.deepEqual([first.width, first.height], [1024, 1024]);
});

test('the window is as large as the mask needs', () => {
  const picture = { width: 8000, height: 3000 };
  const sideFor = (length: number) => chooseWindow(picture, box(3000, 500, 3000 + length, 600)).width;
  assert.deepEqual([10, 896, 897, 1408, 1409, 2048].map(sideFor), [1024, 1024, 1536, 1536, 2048, 2048]);
  // It is not cut along a side that is edited whole.
  const wide = chooseWindow({ width: 8000, height: 1800 }, box(3000, 500, 3100, 600));
  assert.deepEqual([wide.width, wide.height], [1024, 1800]);
});

test('a mask larger than a window is refused', () => {
  assert.throws(
    () => chooseWindow({ width: 4000, height: 4000 }, box(10, 10, 2100, 500)),
    (error) => error instanceof InputError && /spans 2090×490 pixels; at most 2048×2048/.test(error.message),
  );
});

test('every window holds its mask, keeps to its bounds and shows context', () => {
  const side = fc.integer({ min: 1, max: 9000 });
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(side, side, share, share, share, share, (width, height, a, b, c, d) => {
      const span = (all: number, from: number, length: number) => {
        const size = 1 + Math.floor(length * (Math.min(all, 2048) - 1));
        const start = Math.floor(from * (all - size));
        return { from: start, to: start + size };
      };
      const mask = { x: span(width, a, b), y: span(height, c, d) };
      const window = chooseWindow({ width, height }, mask);
      for (const [from, length, all, { from: first, to: last }] of [
        [window.left, window.width, width, mask.x],
        [window.top, window.height, height, mask.y],
      ] as const) {
        assert.ok(Number.isInteger(from) && from >= 0 && from <= first && from + length >= last);
        assert.ok(length % 8 === 0 && length >= 64 && length <= 2048);
        assert.ok(from + length <= all || from === 0);
        const context = Math.min(64, Math.floor((2048 - (last - first)) / 2));
        assert.ok(first - from >= Math.min(context, first));
        assert.ok(from + length - last >= Math.min(context, all - last));
      }
    }),
  );
});

test('planes of a window repeat the border beyond the picture', () => {
  const picture = { width: 3, height: 2, pixels: new Uint8Array(18).fill(255) };
  picture.pixels.set([0, 51, 102], 15);
  const window = { left: 0, top: 0, width: 8, height: 8 };
  const planes = windowPlanes(picture, window);
  const at = (x: number, y: number) => [0, 1, 2].map((c) => planes[(c * 8 + y) * 8 + x]!.toFixed(1));
  assert.deepEqual(at(0, 0), ['1.0', '1.0', '1.0']);
  for (const [x, y] of [
    [2, 1],
    [7, 1],
    [2, 7],
    [7, 7],
  ] as const)
    assert.deepEqual(at(x, y), ['-1.0', '-0.6', '-0.2']);
  assert.deepEqual(at(1, 7), ['1.0', '1.0', '1.0']);
});

test('half the resolution has the means of four pixels, and is active where one of them is', () => {
  const [width, height] = [5, 3];
  const pixels = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 37) % 256);
  const window = { left: 1, top: 0, width: 6, height: 4 };
  const [whole, half] = [window, { ...window, zoom: 0.5 }].map((each) =>
    windowPlanes({ pixels, width, height } as never, each),
  );
  assert.equal(half!.length, 3 * 3 * 2);
  const at = (channel: number, y: number, x: number) => whole![(channel * 4 + y) * 6 + x]!;
  const mean = (at(1, 2, 4) + at(1, 2, 5) + at(1, 3, 4) + at(1, 3, 5)) / 4;
  assert.ok(Math.abs(half![(1 * 2 + 1) * 3 + 2]! - mean) < 1e-6);
  const mask = { width, height, data: new Uint8Array(width * height) };
  mask.data[2 * width + 4] = 1;
  assert.deepEqual([...windowMask(mask, { ...window, zoom: 0.5 }).data], [0, 0, 0, 0, 1, 0]);
});

test('a mask is cut to the window and nothing is active beyond the picture', () => {
  const mask = { width: 10, height: 9, data: new Uint8Array(90).fill(1) };
  const { data } = windowMask(mask, { left: 4, top: 8, width: 8, height: 8 });
  assert.deepEqual([...data.subarray(0, 8)], [1, 1, 1, 1, 1, 1, 0, 0]);
  assert.equal(
    data.subarray(8).some((value) => value === 1),
    false,
  );
});
