import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fit, kept, SCALES, toPicture, toStage, zoomAt } from './viewTransform.ts';

const side = fc.integer({ min: 1, max: 4000 });
const size = fc.record({ width: side, height: side });
const place = fc.record({ x: fc.integer({ min: -50, max: 2000 }), y: fc.integer({ min: -50, max: 2000 }) });
const close = (a: number, b: number) =>
  assert.ok(Math.abs(a - b) < 1e-6 * Math.max(1, Math.abs(a)), `${a} ${b}`);

test('zooming leaves what is under the pointer where it is', () => {
  fc.assert(
    fc.property(
      size,
      size,
      place,
      fc.double({ min: 0.1, max: 10, noNaN: true }),
      (picture, stage, at, factor) => {
        const view = fit(picture, stage);
        const zoomed = zoomAt(view, at, factor);
        assert.ok(zoomed.scale >= SCALES.min && zoomed.scale <= SCALES.max);
        const [before, after] = [toPicture(view, at), toPicture(zoomed, at)];
        close(before.x, after.x);
        close(before.y, after.y);
        const back = toStage(zoomed, after);
        close(back.x, at.x);
        close(back.y, at.y);
      },
    ),
  );
});

test('a picture that fits is inside the stage, in the middle', () => {
  const view = fit({ width: 1600, height: 1200 }, { width: 832, height: 1000 });
  assert.deepEqual(view, { scale: 0.5, left: 16, top: 200 });
  assert.equal(fit({ width: 100, height: 100 }, { width: 400, height: 900 }).scale, 3);
});

test('a picture cannot be lost', () => {
  fc.assert(
    fc.property(size, place, ({ width, height }, { x, y }) => {
      const stage = { width: 800, height: 600 };
      const view = kept({ scale: 1, left: x * 10, top: y * 10 }, { width, height }, stage);
      assert.ok(
        view.left < stage.width && view.left + width > 0 && view.top < stage.height && view.top + height > 0,
      );
    }),
  );
});
