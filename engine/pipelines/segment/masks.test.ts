import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { activeCount } from '../../regions/mask.ts';
import { fitted, toFrame } from './frame.ts';
import { maskFromLogits, overlapOf, smoothedLogits } from './masks.ts';

test('a picture keeps its shape in the frame, rounded as Segment Anything does', () => {
  assert.deepEqual(fitted({ width: 1920, height: 1080 }, 1024), { width: 1024, height: 576 });
  assert.deepEqual(fitted({ width: 300, height: 451 }, 256), { width: 170, height: 256 });
  assert.deepEqual(fitted({ width: 8192, height: 1 }, 256), { width: 256, height: 1 });
  assert.deepEqual(toFrame({ x: 960, y: 540 }, { width: 1920, height: 1080 }, 1024), [512, 288]);
});

/** Logits whose zero is a circle around a place of the frame. */
function disc(side: number, frame: number, centre: { x: number; y: number }, radius: number): Float32Array {
  const scale = frame / side;
  return Float32Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [((i % side) + 0.5) * scale, (Math.floor(i / side) + 0.5) * scale];
    return radius - Math.hypot(x - centre.x, y - centre.y);
  });
}

test('a disc of coarse logits becomes a disc of pixels in pictures of any shape', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 200, max: 700 }),
      fc.integer({ min: 200, max: 700 }),
      fc.constantFrom([64, 256], [128, 256], [256, 1024]),
      (width, height, [side, frame]) => {
        const scale = Math.max(width, height) / frame!;
        const inner = fitted({ width, height }, frame!);
        const centre = { x: inner.width / 2, y: inner.height / 2 };
        const radius = 0.4 * Math.min(inner.width, inner.height);
        const mask = maskFromLogits(disc(side!, frame!, centre, radius), side!, frame!, { width, height });
        const data = Uint8Array.from({ length: width * height }, (_, i) => {
          const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
          return Math.hypot(x - width / 2, y - height / 2) < radius * scale ? 1 : 0;
        });
        assert.ok(overlapOf(mask, { width, height, data }) > 0.96);
      },
    ),
    { numRuns: 30 },
  );
});

test('smoothed logits lose stripes in both directions, and a disc keeps its place', () => {
  const [side, frame] = [64, 256];
  const smooth = disc(side, frame, { x: 128, y: 128 }, 80);
  const picture = { width: frame, height: frame };
  for (const axis of [(i: number) => i % side, (i: number) => Math.floor(i / side)]) {
    const striped = smooth.map((value, i) => value + (axis(i) % 4 < 2 ? 20 : -20));
    const maskOf = (logits: Float32Array) => maskFromLogits(logits, side, frame, picture);
    assert.ok(overlapOf(maskOf(striped), maskOf(smooth)) < 0.9);
    assert.ok(overlapOf(maskOf(smoothedLogits(striped, side)), maskOf(smooth)) > 0.95);
  }
  assert.deepEqual(smoothedLogits(new Float32Array(64).fill(1.5), 8), new Float32Array(64).fill(1.5));
});

test('each pixel has the sign of the logits resized twice, as the published decoder is used', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      fc.float32Array({ minLength: 64, maxLength: 64, min: -4, max: 4, noNaN: true }),
      (width, height, logits) => {
        const frame = 16;
        const inner = fitted({ width, height }, frame);
        const once = resized(logits, 8, 8, frame, frame);
        const cut = (x: number, y: number) => once(x, y);
        const plane = Float32Array.from({ length: inner.width * inner.height }, (_, i) =>
          cut(i % inner.width, Math.floor(i / inner.width)),
        );
        const twice = resized(plane, inner.width, inner.height, width, height);
        const mask = maskFromLogits(logits, 8, frame, { width, height });
        for (let i = 0; i < mask.data.length; i++) {
          const value = twice(i % width, Math.floor(i / width));
          if (Math.abs(value) > 1e-4) assert.equal(mask.data[i], value > 0 ? 1 : 0);
        }
      },
    ),
  );
});

/** Bilinear interpolation with half-pixel centres, a position at a time. */
function resized(plane: Float32Array, width: number, height: number, toWidth: number, toHeight: number) {
  const at = (i: number, from: number, to: number) => {
    const place = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(from - 1, Math.floor(place));
    return [low, Math.min(from - 1, low + 1), place - low] as const;
  };
  return (x: number, y: number): number => {
    const [x0, x1, u] = at(x, width, toWidth);
    const [y0, y1, v] = at(y, height, toHeight);
    const row = (r: number) => plane[r * width + x0]! * (1 - u) + plane[r * width + x1]! * u;
    return row(y0) * (1 - v) + row(y1) * v;
  };
}

test('a preview is the same mask with fewer pixels', () => {
  const logits = disc(64, 256, { x: 100, y: 80 }, 50);
  const picture = { width: 1000, height: 700 };
  const whole = maskFromLogits(logits, 64, 256, picture);
  const small = maskFromLogits(logits, 64, 256, picture, { width: 250, height: 175 });
  assert.ok(Math.abs(activeCount(small) * 16 - activeCount(whole)) / activeCount(whole) < 0.03);
});
