import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Box } from '../regions/box.ts';
import { enlarged, shrunk } from './enlarge.ts';
import { windowMask, windowPlanes } from './window.ts';
import { zoomedWindow } from './zoom.ts';

const box = (left: number, top: number, right: number, bottom: number): Box => ({
  x: { from: left, to: right },
  y: { from: top, to: bottom },
});
const native = { width: 256, height: 256 };

test('a small mask gets a window in which it takes up to 60 % of a side; others none', () => {
  const zoomOf = (side: number) =>
    zoomedWindow({ width: 512, height: 512 }, box(100, 100, 100 + side, 110), native)?.zoom;
  assert.deepEqual([1, 38, 39, 76, 77].map(zoomOf), [4, 4, 2, 2, undefined]);
  assert.equal(zoomedWindow({ width: 100, height: 512 }, box(1, 1, 50, 50), native), undefined);
});

test('a window holds its mask and is in the picture, whose sides it need not divide', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 64, max: 700 }),
      fc.integer({ min: 1, max: 60 }),
      share,
      (side, mask, at) => {
        const from = Math.floor(at * (side - mask));
        const window = zoomedWindow({ width: side, height: side }, box(from, 0, from + mask, mask), native);
        if (!window) return;
        assert.ok(window.left <= from && window.left + window.width >= from + mask);
        assert.ok(window.left >= 0 && window.left + window.width <= side && window.top === 0);
        assert.equal(window.width * window.zoom!, native.width);
      },
    ),
  );
});

test('what is enlarged and shrunk again is nearly what it was; flat stays flat', () => {
  const size = { width: 12, height: 10 };
  const planes = Float32Array.from({ length: 360 }, (_, i) => Math.sin((i % 12) / 3) * Math.cos(i / 50));
  for (const zoom of [1, 2, 4]) {
    const large = enlarged(planes, size, zoom);
    assert.equal(large.length, 360 * zoom ** 2);
    const back = shrunk(large, size, zoom);
    for (const [i, value] of back.entries()) assert.ok(Math.abs(value - planes[i]!) < 0.03);
    const flat = enlarged(new Float32Array(360).fill(0.25), size, zoom);
    assert.ok(flat.every((value) => Math.abs(value - 0.25) < 1e-6));
  }
});

test('planes and mask of an enlarged window have its size and place', () => {
  const [width, height] = [40, 30];
  const pixels = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i / 3) % width);
  const window = { left: 8, top: 4, width: 16, height: 8, zoom: 2 };
  const planes = windowPlanes({ width, height, pixels }, window);
  assert.equal(planes.length, 3 * 32 * 16);
  // A ramp stays a ramp: at half the slope.
  const at = (x: number) => (planes[5 * 32 + x]! + 1) * 127.5;
  for (let x = 4; x < 28; x++) assert.ok(Math.abs(at(x) - (8 + x / 2 - 0.25)) < 0.01);
  const data = new Uint8Array(width * height);
  data[5 * width + 9] = 1;
  const { data: marked } = windowMask({ width, height, data }, window);
  const set = [...marked.keys()].filter((i) => marked[i]);
  assert.deepEqual(set, [2 * 32 + 2, 2 * 32 + 3, 3 * 32 + 2, 3 * 32 + 3]);
});
