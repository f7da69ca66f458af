import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Patch } from '../../shared/raster.ts';
import { type Edit, PictureModel, paintedOver } from './pictureModel.ts';

const SIZE = { width: 7, height: 5 };
const grey = (value: number) => ({ ...SIZE, channels: 3, data: new Uint8Array(105).fill(value) });
const patch = (left: number, top: number, width: number, height: number, values: number[]): Patch => ({
  ...{ left, top, width, height },
  data: Uint8Array.from(values),
});
const box = fc.tuple(fc.nat(6), fc.nat(4)).chain(([left, top]) =>
  fc.record({
    left: fc.constant(left),
    top: fc.constant(top),
    width: fc.integer({ min: 1, max: 7 - left }),
    height: fc.integer({ min: 1, max: 5 - top }),
    value: fc.nat(255),
    layer: fc.constantFrom('mask' as const, 'pixels' as const),
  }),
);
const snapshot = ({ mask, pixels }: PictureModel) => [mask.data.slice(), pixels.data.slice()];

test('any edits taken back in reverse give every earlier state, and done again every later one', () => {
  fc.assert(
    fc.property(fc.array(box, { maxLength: 8 }), (boxes) => {
      const model = new PictureModel(grey(100));
      const states = [snapshot(model)];
      const edits: Edit[] = [];
      for (const { value, layer, ...area } of boxes) {
        const size = area.width * area.height * (layer === 'mask' ? 1 : 3);
        const edit = model.edit(layer, 'x', { ...area, data: new Uint8Array(size).fill(value) });
        if (!edit) continue;
        model.do(edit);
        edits.push(edit);
        states.push(snapshot(model));
      }
      for (let i = edits.length - 1; i >= 0; i--) {
        model.undo(edits[i]!);
        assert.deepEqual(snapshot(model), states[i]);
      }
      for (const [i, edit] of edits.entries()) {
        model.do(edit);
        assert.deepEqual(snapshot(model), states[i + 1]);
      }
    }),
  );
});

test('what changes nothing is no edit; what does not fit is refused', () => {
  const model = new PictureModel(grey(100));
  assert.equal(model.edit('mask', 'x', patch(0, 0, 2, 1, [0, 0])), undefined);
  assert.equal(model.edit('pixels', 'x', patch(1, 1, 1, 1, [100, 100, 100])), undefined);
  for (const bad of [patch(6, 0, 2, 1, [1, 1]), patch(0, -1, 1, 1, [1]), patch(0, 0, 2, 2, [1, 1])])
    assert.throws(() => model.edit('mask', 'x', bad), RangeError);
  assert.throws(() => model.restoration('x', patch(0, 0, 1, 1, [1, 1])), RangeError);
});

test('knows what was painted last and where the picture differs from the file', () => {
  const model = new PictureModel<string>(grey(100));
  const first = model.edit('pixels', 'Paint', patch(2, 1, 1, 2, [1, 2, 3, 4, 5, 6]), 'first')!;
  const mask = model.edit('mask', 'Brush', patch(0, 0, 1, 1, [255]))!;
  const second = model.edit('pixels', 'Paint', patch(4, 3, 1, 1, [9, 9, 9]), 'second')!;
  for (const edit of [first, mask, second]) model.do(edit);
  assert.equal(model.lastPainted?.about, 'second');
  assert.deepEqual(model.changed, { left: 2, top: 1, width: 3, height: 3 });
  assert.deepEqual(model.masked, { left: 0, top: 0, width: 1, height: 1 });
  model.undo(second);
  assert.equal(model.lastPainted?.about, 'first');
  model.undo(mask);
  model.undo(first);
  assert.equal(model.lastPainted, undefined);
  assert.equal(model.changed, undefined);
  assert.equal(model.masked, undefined);
});

test('a restoration brings back what the file has, as far as it covers', () => {
  const model = new PictureModel(grey(100));
  model.do(model.edit('pixels', 'Paint', patch(0, 0, 3, 1, new Array(9).fill(200)))!);
  model.do(model.restoration('Erase', patch(0, 0, 3, 1, [255, 51, 0]))!);
  assert.deepEqual(
    [0, 3, 6].map((i) => model.pixels.data[i]),
    [100, 180, 200],
  );
});

test('a result is laid over what the picture has become since', () => {
  const [start, base, result] = [grey(10), grey(10), grey(10)];
  base.data.set([77, 77, 77], 0);
  result.data.set([50, 50, 50], 3);
  assert.deepEqual(paintedOver(base, start, result), patch(1, 0, 1, 1, [50, 50, 50]));
  assert.equal(paintedOver(base, start, grey(10)), undefined);
});
