import assert from 'node:assert/strict';
import { test } from 'node:test';
import { psnr } from './psnr.ts';

const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-3, `${actual}`);

test('identical pictures have no noise', () => {
  assert.equal(psnr(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3)), Number.POSITIVE_INFINITY);
});

test('an error of one step in 255', () => {
  near(psnr(new Uint8Array(30).fill(10), new Uint8Array(30).fill(11)), 48.1308);
  near(psnr(new Float32Array(30).fill(0), new Float32Array(30).fill(2 / 255)), 48.1308);
});

test('inside a mask only its pixels count, in bytes and in planes', () => {
  const inside = { width: 2, height: 1, data: Uint8Array.of(0, 1) };
  const bytes = Uint8Array.of(9, 9, 9, 1, 1, 1);
  near(psnr(bytes, Uint8Array.of(0, 0, 0, 2, 2, 2), inside), 48.1308);
  const planes = Float32Array.of(9, 0, 9, 0, 9, 0);
  near(psnr(planes, Float32Array.of(0, 2 / 255, 0, 2 / 255, 0, 2 / 255), inside), 48.1308);
});

test('what cannot be compared is refused', () => {
  assert.throws(() => psnr(new Uint8Array(3), new Uint8Array(6)), RangeError);
  const none = { width: 1, height: 1, data: Uint8Array.of(0) };
  assert.throws(() => psnr(new Uint8Array(3), new Uint8Array(3), none), RangeError);
});
