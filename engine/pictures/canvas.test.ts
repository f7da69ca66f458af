import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { TRANSITION } from '../../shared/margins.ts';
import { InputError } from '../errors.ts';
import { alphaOn, extendPicture, extensionMask } from './canvas.ts';

const side = fc.integer({ min: 1, max: 40 });
const added = fc.integer({ min: 0, max: 30 });
const cases = fc
  .record({ width: side, height: side, left: added, top: added, right: added, bottom: added })
  .filter(({ left, top, right, bottom }) => left + top + right + bottom > 0);

const pictureOf = (width: number, height: number, alpha: boolean) => ({
  width,
  height,
  pixels: Uint8Array.from({ length: 3 * width * height }, (_, i) => (7 * i) % 251),
  ...(alpha && { alpha: Uint8Array.from({ length: width * height }, (_, i) => (5 * i) % 256) }),
});

test('the old picture keeps its pixels and its opacity; new pixels are those of its edge', () => {
  fc.assert(
    fc.property(cases, fc.boolean(), ({ width, height, ...extension }, alpha) => {
      const old = pictureOf(width, height, alpha);
      const larger = extendPicture(old, extension);
      const { left, top, right, bottom } = extension;
      assert.deepEqual([larger.width, larger.height], [width + left + right, height + top + bottom]);
      for (let y = 0; y < larger.height; y++)
        for (let x = 0; x < larger.width; x++) {
          const [fromX, fromY] = [x - left, y - top];
          const isOld = fromX >= 0 && fromX < width && fromY >= 0 && fromY < height;
          const nearest =
            Math.max(0, Math.min(height - 1, fromY)) * width + Math.max(0, Math.min(width - 1, fromX));
          const at = y * larger.width + x;
          assert.equal(larger.pixels[3 * at + 1], old.pixels[3 * nearest + 1]);
          if (alpha) assert.equal(larger.alpha![at], isOld ? old.alpha![nearest] : 255);
        }
    }),
  );
});

test('all that is new is painted, and of the old only a strip along sides that grew', () => {
  fc.assert(
    fc.property(cases, ({ width, height, ...extension }) => {
      const { left, top, right, bottom } = extension;
      const mask = extensionMask({ width, height }, extension);
      for (let y = 0; y < mask.height; y++)
        for (let x = 0; x < mask.width; x++) {
          const painted = mask.data[y * mask.width + x] === 1;
          const [fromX, fromY] = [x - left, y - top];
          const isOld = fromX >= 0 && fromX < width && fromY >= 0 && fromY < height;
          if (!isOld) assert.ok(painted);
          const near =
            (left > 0 && fromX < TRANSITION) ||
            (right > 0 && width - fromX <= TRANSITION) ||
            (top > 0 && fromY < TRANSITION) ||
            (bottom > 0 && height - fromY <= TRANSITION);
          if (isOld && painted) assert.ok(near);
        }
    }),
  );
});

test('too large, or by nothing: a sentence', () => {
  const old = pictureOf(20, 10, false);
  const nothing = { left: 0, top: 0, right: 0, bottom: 0 };
  assert.throws(() => extendPicture(old, nothing), InputError);
  assert.throws(() => extendPicture(old, { ...nothing, right: 4000 }), /4020×10 pixels; at most 2048/);
});

test('alpha follows the picture onto a canvas with other edges', () => {
  const alpha = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const picture = { width: 3, height: 2, pixels: new Uint8Array(18), alpha };
  const at = (left: number, top: number, width: number, height: number) =>
    Array.from(alphaOn(picture, { left, top, width, height })!);
  assert.deepEqual(at(-1, 0, 4, 3), [255, 1, 2, 3, 255, 4, 5, 6, 255, 255, 255, 255]);
  assert.deepEqual(at(1, 1, 2, 1), [5, 6]);
  assert.deepEqual(at(2, 0, 2, 2), [3, 255, 6, 255]);
  assert.deepEqual(at(5, 5, 1, 1), [255]);
});
