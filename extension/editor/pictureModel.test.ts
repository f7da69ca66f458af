import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blankRaster, cut, type Patch, paste, type Raster, wholeOf } from '../../shared/raster.ts';
import { PictureModel, type Step } from './pictureModel.ts';

const SIZE = { width: 7, height: 5 };
const grey = (value: number): Raster => ({ ...SIZE, channels: 3, data: new Uint8Array(105).fill(value) });
const patch = (left: number, top: number, width: number, height: number, values: number[]): Patch => ({
  left,
  top,
  width,
  height,
  data: Uint8Array.from(values),
});
const box = fc.tuple(fc.nat(6), fc.nat(4)).chain(([left, top]) =>
  fc.record({
    left: fc.constant(left),
    top: fc.constant(top),
    width: fc.integer({ min: 1, max: 7 - left }),
    height: fc.integer({ min: 1, max: 5 - top }),
    value: fc.nat(255),
    what: fc.constantFrom('mask' as const, 'paint' as const, 'restore' as const, 'toggle' as const),
  }),
);
const snapshot = ({ mask, pixels, edits }: PictureModel) => [mask.data.slice(), pixels.data.slice(), edits];

/** Paints what a mask covers in one colour. */
function painted(model: PictureModel<string>, area: Patch, value: number, about = 'x', replaces?: string) {
  const mask = blankRaster(SIZE.width, SIZE.height, 1);
  paste(mask, { ...area, data: new Uint8Array(area.width * area.height).fill(255) });
  const start = { ...model.pixels, data: model.pixels.data.slice() };
  const result = { ...start, data: start.data.slice() };
  paste(result, { ...area, data: new Uint8Array(3 * area.width * area.height).fill(value) });
  return model.painting({ label: 'Paint', start, result, mask, about, replaces });
}

function mask(model: PictureModel<string>, area: Patch, value = 255) {
  return model.masking('Brush', { ...area, data: new Uint8Array(area.width * area.height).fill(value) });
}

test('any steps taken back in reverse give every earlier state, and done again every later one', () => {
  fc.assert(
    fc.property(fc.array(box, { maxLength: 8 }), (boxes) => {
      const model = new PictureModel<string>(grey(100));
      const states = [snapshot(model)];
      const steps: Step<string>[] = [];
      for (const { value, what, ...place } of boxes) {
        const area = { ...place, data: new Uint8Array(place.width * place.height).fill(value) };
        const step = {
          mask: () => model.masking('x', area),
          paint: () => painted(model, area, value),
          restore: () => model.restoring('x', area),
          toggle: () =>
            model.showing('x', ({ shown }, i) => (i === value % model.edits.length ? !shown : shown)),
        }[what]();
        if (!step) continue;
        model.do(step);
        steps.push(step);
        states.push(snapshot(model));
      }
      for (let i = steps.length - 1; i >= 0; i--) {
        model.undo(steps[i]!);
        assert.deepEqual(snapshot(model), states[i]);
      }
      for (const [i, step] of steps.entries()) {
        model.do(step);
        assert.deepEqual(snapshot(model), states[i + 1]);
      }
    }),
  );
});

test('what changes nothing is no step; what does not fit is refused', () => {
  const model = new PictureModel<string>(grey(100));
  assert.equal(model.masking('x', patch(0, 0, 2, 1, [0, 0])), undefined);
  assert.equal(painted(model, patch(1, 1, 1, 1, []), 100), undefined);
  assert.equal(model.restoring('x', patch(0, 0, 1, 1, [255])), undefined);
  for (const bad of [patch(6, 0, 2, 1, [1, 1]), patch(0, -1, 1, 1, [1]), patch(0, 0, 2, 2, [1, 1])]) {
    assert.throws(() => model.masking('x', bad), RangeError);
    assert.throws(() => model.restoring('x', bad), RangeError);
  }
});

test('knows what was painted last and where the picture differs from the file', () => {
  const model = new PictureModel<string>(grey(100));
  model.do(painted(model, patch(2, 1, 1, 2, []), 5, 'first')!);
  const second = painted(model, patch(4, 3, 1, 1, []), 9, 'second')!;
  model.do(second);
  assert.equal(model.lastPainted?.about, 'second');
  assert.deepEqual(model.changed, { left: 2, top: 1, width: 3, height: 3 });
  model.undo(second);
  assert.equal(model.lastPainted?.about, 'first');
});

test('painting clears the mask that it was painted with, in the same step, and no other', () => {
  const model = new PictureModel<string>(grey(100));
  const [first, second] = [patch(1, 1, 2, 2, []), patch(4, 3, 1, 1, [])];
  model.do(mask(model, first)!);
  const step = painted(model, first, 5)!;
  model.do(step);
  assert.equal(model.masked, undefined);
  model.undo(step);
  assert.deepEqual(model.masked, { left: 1, top: 1, width: 2, height: 2 });
  // The next mask was begun while this one was painted.
  model.do(model.masking('Brush', cut(blankRaster(7, 5, 1), wholeOf(model)))!);
  model.do(mask(model, second)!);
  model.do(painted(model, first, 5)!);
  assert.deepEqual(model.masked, { left: 4, top: 3, width: 1, height: 1 });
  const { left, top, width, height } = model.edits[0]!.mask!;
  assert.deepEqual({ left, top, width, height }, { left: 1, top: 1, width: 2, height: 2 });
});

test('an edit that is hidden leaves the others, also those that lie over it', () => {
  const model = new PictureModel<string>(grey(100));
  model.do(painted(model, patch(0, 0, 3, 1, []), 10, 'below')!);
  model.do(painted(model, patch(2, 0, 3, 1, []), 20, 'above')!);
  const row = () => [0, 1, 2, 3, 4, 5].map((x) => model.pixels.data[3 * x]);
  assert.deepEqual(row(), [10, 10, 20, 20, 20, 100]);
  const [below, above] = model.edits.map(({ id }) => id);
  const hide = model.showing('Hide', ({ id, shown }) => shown && id !== below)!;
  model.do(hide);
  assert.deepEqual(row(), [100, 100, 20, 20, 20, 100]);
  assert.equal(model.lastPainted?.about, 'above');
  model.undo(hide);
  model.do(model.showing('Hide', ({ id, shown }) => shown && id !== above)!);
  assert.deepEqual(row(), [10, 10, 10, 100, 100, 100]);
  assert.equal(
    model.showing('Hide', ({ shown }) => shown),
    undefined,
  );
  assert.deepEqual([...model.without(below!).data.subarray(0, 3)], [100, 100, 100]);
});

test('an edit that is painted again gives way to the new one in one step', () => {
  const model = new PictureModel<string>(grey(100));
  model.do(painted(model, patch(0, 0, 3, 1, []), 10, 'old')!);
  const before = snapshot(model);
  const { id } = model.edits[0]!;
  const start = model.without(id);
  const result = { ...start, data: start.data.slice() };
  paste(result, patch(1, 0, 1, 1, [7, 7, 7]));
  const again = { label: 'Paint', start, result, mask: blankRaster(7, 5, 1), about: 'new', replaces: id };
  const step = model.painting(again)!;
  model.do(step);
  assert.deepEqual(
    [0, 3, 6].map((i) => model.pixels.data[i]),
    [100, 7, 100],
  );
  assert.deepEqual(
    model.edits.map(({ shown }) => shown),
    [false, true],
  );
  model.undo(step);
  assert.deepEqual(snapshot(model), before);
});

test('a restoration brings back what the file has, as far as it covers', () => {
  const model = new PictureModel<string>(grey(100));
  model.do(painted(model, patch(0, 0, 3, 1, []), 200)!);
  model.do(model.restoring('Restore', patch(0, 0, 3, 1, [255, 51, 0]))!);
  assert.deepEqual(
    [0, 3, 6].map((i) => model.pixels.data[i]),
    [100, 180, 200],
  );
});

test('a result is laid over what the picture has become since', () => {
  const model = new PictureModel<string>(grey(10));
  const start = grey(10);
  const result = grey(10);
  result.data.set([50, 50, 50], 3);
  model.do(painted(model, patch(0, 0, 1, 1, []), 77)!);
  model.do(model.painting({ label: 'x', start, result, mask: blankRaster(7, 5, 1), about: 'x' })!);
  assert.deepEqual([...model.pixels.data.subarray(0, 9)], [77, 77, 77, 50, 50, 50, 10, 10, 10]);
});
