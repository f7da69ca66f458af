import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gaussianNoise } from '../noise.ts';
import type { Picture } from './read.ts';
import { ssim } from './ssim.ts';

const grey = (width: number, height: number, valueAt: (x: number, y: number) => number): Picture => ({
  width,
  height,
  pixels: Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return valueAt(pixel % width, Math.floor(pixel / width));
  }),
});
const waves = grey(40, 30, (x, y) => 128 + 60 * Math.sin(x / 3) + 50 * Math.cos(y / 4));
const near = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} instead of ${expected}`);

test('the same picture has 1, whatever it shows', () => {
  near(ssim(waves, waves), 1);
  near(
    ssim(
      grey(11, 11, () => 0),
      grey(11, 11, () => 0),
    ),
    1,
  );
});

test('flat greys differ in luminance only: (2ab + C1) / (a² + b² + C1)', () => {
  const c1 = 2.55 ** 2;
  const expected = (2 * 100 * 150 + c1) / (100 ** 2 + 150 ** 2 + c1);
  near(
    ssim(
      grey(20, 12, () => 100),
      grey(20, 12, () => 150),
    ),
    expected,
  );
});

test('one window is the formula over its weighted moments', () => {
  const [a, b] = [
    grey(11, 11, (x, y) => (x * 23 + y * 7) % 256),
    grey(11, 11, (x, y) => (x * 5 + y * 31) % 256),
  ];
  const weights = Array.from({ length: 121 }, (_, i) =>
    Math.exp(-(((i % 11) - 5) ** 2 + (Math.floor(i / 11) - 5) ** 2) / 4.5),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = (value: (i: number) => number) =>
    weights.reduce((sum, weight, i) => sum + weight * value(i), 0) / total;
  const [x, y] = [(i: number) => a.pixels[3 * i]!, (i: number) => b.pixels[3 * i]!];
  const [mx, my] = [mean(x), mean(y)];
  const variances = mean((i) => (x(i) - mx) ** 2) + mean((i) => (y(i) - my) ** 2);
  const covariance = mean((i) => (x(i) - mx) * (y(i) - my));
  const [c1, c2] = [2.55 ** 2, 7.65 ** 2];
  near(
    ssim(a, b),
    ((2 * mx * my + c1) * (2 * covariance + c2)) / ((mx ** 2 + my ** 2 + c1) * (variances + c2)),
    1e-6,
  );
});

test('more noise is less like; the negative is unlike', () => {
  const noisy = (size: number) => {
    const noise = gaussianNoise(1, 0, waves.pixels.length);
    const pixels = waves.pixels.map((value, i) => Math.max(0, Math.min(255, value + size * noise[i]!)));
    return { ...waves, pixels };
  };
  const values = [2, 10, 40].map((size) => ssim(waves, noisy(size)));
  assert.ok(1 > values[0]! && values[0]! > values[1]! && values[1]! > values[2]!);
  assert.ok(ssim(waves, { ...waves, pixels: waves.pixels.map((value) => 255 - value) }) < 0.2);
});

test('what cannot be compared is refused', () => {
  assert.throws(
    () =>
      ssim(
        waves,
        grey(30, 40, () => 0),
      ),
    RangeError,
  );
  assert.throws(
    () =>
      ssim(
        grey(10, 20, () => 0),
        grey(10, 20, () => 0),
      ),
    RangeError,
  );
});
