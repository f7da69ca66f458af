import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blankRaster } from '../../shared/raster.ts';
import { maskPixels } from './maskPixels.ts';

const LOOK = { colour: [255, 0, 0] as const, opacity: 0.5 };
const VIEW = { scale: 1, left: 0, top: 0 };

function square() {
  const mask = blankRaster(40, 40, 1);
  for (let y = 10; y < 30; y++) mask.data.fill(255, 40 * y + 10, 40 * y + 30);
  return { mask, hint: blankRaster(40, 40, 1) };
}

test('a mask is tinted inside, light along its edge, dark around it, and nothing elsewhere', () => {
  const pixels = maskPixels({ left: 0, top: 0, width: 40, height: 40 }, VIEW, square(), LOOK);
  const at = (x: number, y: number) => [...pixels.subarray(4 * (40 * y + x), 4 * (40 * y + x) + 4)];
  assert.deepEqual(at(10, 20), [255, 255, 255, 255]);
  assert.deepEqual(at(9, 20), [0, 0, 0, 255]);
  assert.deepEqual(at(8, 20), [0, 0, 0, 0]);
  const tints = Array.from({ length: 9 }, (_, x) => at(14 + x, 20).join());
  assert.equal(tints.filter((tint) => tint === '255,0,0,128').length, 7, 'two of nine are hatching');
});

test('on a picture of any colour, its own among them, the outline and the hatching are seen', () => {
  const byte = fc.nat(255);
  fc.assert(
    fc.property(fc.tuple(byte, byte, byte), fc.constantFrom(0.05, 0.5, 1), (picture, opacity) => {
      const look = { colour: picture, opacity };
      const pixels = maskPixels({ left: 0, top: 0, width: 40, height: 40 }, VIEW, square(), look);
      const seen = (x: number, y: number) => {
        const [red, green, blue, alpha] = pixels.subarray(4 * (40 * y + x));
        const over = [red, green, blue].map((value, i) => blended(value!, picture[i]!, alpha! / 255));
        return luminance(over);
      };
      const around = luminance(picture);
      // WCAG 2.2, 1.4.11: graphics have a contrast of at least 3.
      assert.ok(Math.max(contrast(seen(10, 20), around), contrast(seen(9, 20), around)) >= 3);
      const inside = Array.from({ length: 9 }, (_, x) => seen(14 + x, 20));
      assert.ok(contrast(Math.max(...inside), Math.min(...inside)) >= 1.5, 'hatching');
    }),
  );
});

test('a part of the screen looks as it does in the whole', () => {
  const whole = maskPixels(
    { left: 0, top: 0, width: 90, height: 70 },
    { ...VIEW, scale: 1.7, left: 3 },
    square(),
    LOOK,
  );
  const side = fc.integer({ min: 1, max: 20 });
  fc.assert(
    fc.property(fc.nat(69), fc.nat(49), side, side, (left, top, width, height) => {
      const area = { left, top, width, height };
      const part = maskPixels(area, { ...VIEW, scale: 1.7, left: 3 }, square(), LOOK);
      for (let y = 0; y < height; y++)
        for (let i = 0; i < 4 * width; i++)
          assert.equal(part[4 * width * y + i], whole[4 * (90 * (top + y) + left) + i]);
    }),
    { numRuns: 30 },
  );
});

function blended(over: number, under: number, opacity: number): number {
  return over * opacity + under * (1 - opacity);
}

/** Relative luminance of an sRGB colour (WCAG 2.2). */
function luminance(colour: readonly number[]): number {
  const [red, green, blue] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

/** Contrast ratio of two luminances, 1 … 21 (WCAG 2.2). */
function contrast(a: number, b: number): number {
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
