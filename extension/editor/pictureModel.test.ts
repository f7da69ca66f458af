import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Extension } from '../../shared/editorProtocol.ts';
import { objectMargin } from '../../shared/margins.ts';
import {
  blankRaster,
  boundsOf,
  clip,
  copyOf,
  cut,
  isEmpty,
  type Patch,
  paste,
  type Raster,
  wholeOf,
} from '../../shared/raster.ts';
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
    what: fc.constantFrom(
      'mask' as const,
      'objects' as const,
      'colours' as const,
      'reselect' as const,
      'paint' as const,
      'restore' as const,
      'toggle' as const,
      'extend' as const,
      'fade' as const,
      'crop' as const,
      'move' as const,
    ),
  }),
);
const snapshot = ({ mask, objects, colours, pixels, edits, frame }: PictureModel) => [
  mask.data.slice(),
  objects.data.slice(),
  colours.data.slice(),
  pixels.data.slice(),
  edits,
  frame,
];

const areaOf = ({ left, top, width, height }: Patch) => ({ left, top, width, height });

/** The picture that a list of edits gives, from the file on. */
async function composed(edits: PictureModel<string>['edits']): Promise<Raster> {
  const model = new PictureModel<string>(grey(100));
  await model.adopt(edits.map((edit) => ({ ...edit, shown: false })));
  const step = await model.showing('x', (_, i) => edits[i]!.shown);
  if (step) await model.do(step);
  return model.pixels;
}

const idAt = ({ edits }: PictureModel, at: number) => edits[at % edits.length]?.id ?? '';

/** Paints what a mask covers in one colour. */
async function painted(
  model: PictureModel<string>,
  area: Patch,
  value: number,
  about = 'x',
  replaces?: string,
) {
  const mask = blankRaster(model.width, model.height, 1);
  paste(mask, { ...area, data: new Uint8Array(area.width * area.height).fill(255) });
  const start = await model.canvas();
  const result = copyOf(start.raster);
  paste(result, { ...area, data: new Uint8Array(3 * area.width * area.height).fill(value) });
  const colours = copyOf(model.colours);
  return await model.painting({ label: 'Paint', start, result, mask, colours, about, replaces });
}

function coloured(area: Patch, value: number): Patch {
  return { ...area, data: new Uint8Array(4 * area.width * area.height).fill(value) };
}

/** Extends the canvas, and fills the new part with a value. */
async function extended(
  model: PictureModel<string>,
  extension: Extension,
  value: number,
  about = 'extended',
) {
  const start = await model.canvas();
  const { left, top, right, bottom } = extension;
  const result = blankRaster(model.width + left + right, model.height + top + bottom, 3);
  result.data.fill(value);
  paste(result, { ...cut(start.raster, wholeOf(model)), left, top });
  const mask = blankRaster(model.width, model.height, 1);
  return await model.painting({ label: 'Extend', start, extension, result, mask, about });
}

function mask(model: PictureModel<string>, area: Patch, value = 255) {
  return model.drawing('mask', 'Brush', {
    ...area,
    data: new Uint8Array(area.width * area.height).fill(value),
  });
}

test('any steps taken back in reverse give every earlier state, and done again every later one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(box, { maxLength: 8 }), async (boxes) => {
      const model = new PictureModel<string>(grey(100));
      const states = [snapshot(model)];
      const steps: Step<string>[] = [];
      for (const { value, what, ...place } of boxes) {
        const clipped = clip(place, model);
        if (isEmpty(clipped)) continue;
        const area = { ...clipped, data: new Uint8Array(clipped.width * clipped.height).fill(value) };
        const make = {
          mask: () => model.drawing('mask', 'x', area),
          objects: () => model.masking('x', area, area),
          colours: () => model.drawing('colours', 'x', coloured(area, value)),
          reselect: () => {
            const edit = model.edits[value % model.edits.length];
            return edit && model.reselecting('x', edit);
          },
          paint: () => painted(model, area, value),
          restore: () => model.restoring('x', area),
          extend: () =>
            extended(model, { left: value % 3, top: place.left, right: place.top, bottom: 1 }, value),
          crop: () => {
            const [left, top] = [value % 2, value % 3 && 1];
            const [width, height] = [model.width - left, model.height - top];
            return model.cropping('x', { left, top, width, height });
          },
          fade: () => model.fading('x', idAt(model, value), value / 255),
          move: () => model.moving('x', idAt(model, value), value % 2 ? 1 : -1),
          toggle: () =>
            model.showing('x', ({ shown }, i) => (i === value % model.edits.length ? !shown : shown)),
        }[what];
        const step = await make();
        if (!step) continue;
        await model.do(step);
        assert.deepEqual(model.pixels, await composed(model.edits), what);
        steps.push(step);
        states.push(snapshot(model));
      }
      for (let i = steps.length - 1; i >= 0; i--) {
        await model.undo(steps[i]!);
        assert.deepEqual(snapshot(model), states[i]);
      }
      for (const [i, step] of steps.entries()) {
        await model.do(step);
        assert.deepEqual(snapshot(model), states[i + 1]);
      }
    }),
  );
});

test('what changes nothing is no step; what does not fit is refused', async () => {
  const model = new PictureModel<string>(grey(100));
  assert.equal(await model.drawing('mask', 'x', patch(0, 0, 2, 1, [0, 0])), undefined);
  assert.equal(await painted(model, patch(1, 1, 1, 1, []), 100), undefined);
  assert.equal(await model.restoring('x', patch(0, 0, 1, 1, [255])), undefined);
  for (const bad of [patch(6, 0, 2, 1, [1, 1]), patch(0, -1, 1, 1, [1]), patch(0, 0, 2, 2, [1, 1])]) {
    await assert.rejects(model.drawing('mask', 'x', bad), RangeError);
    await assert.rejects(model.restoring('x', bad), RangeError);
  }
});

test('knows what was painted last and where the picture differs from the file', async () => {
  const model = new PictureModel<string>(grey(100));
  await model.do((await painted(model, patch(2, 1, 1, 2, []), 5, 'first'))!);
  const second = (await painted(model, patch(4, 3, 1, 1, []), 9, 'second'))!;
  await model.do(second);
  assert.equal(model.lastPainted?.about, 'second');
  assert.deepEqual(model.changed, { left: 2, top: 1, width: 3, height: 3 });
  await model.undo(second);
  assert.equal(model.lastPainted?.about, 'first');
});

test('painting takes the colours that it began with; reselecting brings them back with the mask', async () => {
  const model = new PictureModel<string>(grey(100));
  await model.do((await model.drawing('colours', 'x', coloured(patch(2, 1, 2, 1, []), 200)))!);
  const before = copyOf(model.colours);
  const step = (await painted(model, patch(1, 1, 2, 2, []), 5))!;
  await model.do(step);
  assert.deepEqual([model.coloured, model.masked], [undefined, undefined]);
  // A mask and colours of another edit go.
  await model.do((await model.drawing('colours', 'x', coloured(patch(6, 4, 1, 1, []), 9)))!);
  await model.do((await mask(model, patch(5, 0, 1, 1, [])))!);
  await model.do((await model.reselecting('Reselect', model.edits[0]!))!);
  assert.deepEqual(model.colours, before);
  assert.deepEqual(model.masked, { left: 1, top: 1, width: 2, height: 2 });
  assert.equal(await model.reselecting('Reselect', model.edits[0]!), undefined);

  // Colours that were painted since the edit was begun stay.
  const late = new PictureModel<string>(grey(100));
  const begun = (await painted(late, patch(1, 1, 2, 2, []), 5))!;
  await late.do((await late.drawing('colours', 'x', coloured(patch(6, 4, 1, 1, []), 9)))!);
  await late.do(begun);
  assert.deepEqual(late.coloured, { left: 6, top: 4, width: 1, height: 1 });
});

test('a selected object is painted with a margin, whose reselecting brings it back', async () => {
  const side = 40;
  const field = { width: side, height: side, channels: 3, data: new Uint8Array(3 * side * side).fill(100) };
  const model = new PictureModel<string>(field);
  const object = { left: 16, top: 16, width: 8, height: 8, data: new Uint8Array(64).fill(255) };
  const margin = objectMargin(model);
  const wide = { left: 16 - margin, top: 16 - margin, width: 8 + 2 * margin, height: 8 + 2 * margin };
  await model.do((await model.drawing('mask', 'Brush', object))!);
  assert.deepEqual(boundsOf(model.painted), areaOf(object), 'a brush paints exactly');
  await model.do((await model.masking('Select Object', object, object))!);
  assert.deepEqual([model.masked, boundsOf(model.painted)], [areaOf(object), wide]);
  const result = copyOf(field);
  paste(result, { left: 20, top: 20, width: 1, height: 1, data: Uint8Array.of(1, 2, 3) });
  const [start, taken] = [await model.canvas(), { mask: copyOf(model.mask), objects: copyOf(model.objects) }];
  await model.do((await model.painting({ label: 'x', start, result, ...taken, about: 'x' }))!);
  assert.deepEqual([model.masked, model.selected], [undefined, undefined]);
  await model.do((await model.reselecting('Reselect', model.edits[0]!))!);
  assert.deepEqual([model.masked, boundsOf(model.painted)], [areaOf(object), wide]);
  // In the place of the object comes the mask of an edit without one.
  const plain = { ...model.edits[0]! };
  Reflect.deleteProperty(plain, 'objects');
  await model.do((await model.reselecting('Reselect', plain))!);
  assert.deepEqual([model.selected, boundsOf(model.painted)], [undefined, areaOf(object)]);
});

test('painting clears the mask that it was painted with, in the same step, and no other', async () => {
  const model = new PictureModel<string>(grey(100));
  const [first, second] = [patch(1, 1, 2, 2, []), patch(4, 3, 1, 1, [])];
  await model.do((await mask(model, first))!);
  const step = (await painted(model, first, 5))!;
  await model.do(step);
  assert.equal(model.masked, undefined);
  await model.undo(step);
  assert.deepEqual(model.masked, { left: 1, top: 1, width: 2, height: 2 });
  // The next mask was begun while this one was painted.
  await model.do((await model.drawing('mask', 'Brush', cut(blankRaster(7, 5, 1), wholeOf(model))))!);
  await model.do((await mask(model, second))!);
  await model.do((await painted(model, first, 5))!);
  assert.deepEqual(model.masked, { left: 4, top: 3, width: 1, height: 1 });
  const { left, top, width, height } = model.edits[0]!.mask!;
  assert.deepEqual({ left, top, width, height }, { left: 1, top: 1, width: 2, height: 2 });
});

test('an edit that is hidden leaves the others, also those that lie over it', async () => {
  const model = new PictureModel<string>(grey(100));
  await model.do((await painted(model, patch(0, 0, 3, 1, []), 10, 'below'))!);
  await model.do((await painted(model, patch(2, 0, 3, 1, []), 20, 'above'))!);
  const row = () => [0, 1, 2, 3, 4, 5].map((x) => model.pixels.data[3 * x]);
  assert.deepEqual(row(), [10, 10, 20, 20, 20, 100]);
  const [below, above] = model.edits.map(({ id }) => id);
  const hide = (await model.showing('Hide', ({ id, shown }) => shown && id !== below))!;
  await model.do(hide);
  assert.deepEqual(row(), [100, 100, 20, 20, 20, 100]);
  assert.equal(model.lastPainted?.about, 'above');
  await model.undo(hide);
  await model.do((await model.showing('Hide', ({ id, shown }) => shown && id !== above))!);
  assert.deepEqual(row(), [10, 10, 10, 100, 100, 100]);
  assert.equal(await model.showing('Hide', ({ shown }) => shown), undefined);
  assert.deepEqual([...(await model.canvas(below!)).raster.data.subarray(0, 3)], [100, 100, 100]);
});

test('an edit is seen as far as its opacity says, over what is below it now', async () => {
  const model = new PictureModel<string>(grey(100));
  await model.do((await painted(model, patch(0, 0, 3, 1, []), 50, 'below'))!);
  await model.do((await painted(model, patch(1, 0, 3, 1, []), 200, 'above'))!);
  const row = () => [0, 1, 2, 3, 4].map((x) => model.pixels.data[3 * x]);
  const [below, above] = model.edits.map(({ id }) => id) as [string, string];
  const faded = (await model.fadedCanvas(above, 0.5)).raster;
  assert.deepEqual(
    [0, 3, 9].map((i) => faded.data[i]),
    [50, 125, 150],
  );
  assert.deepEqual(row(), [50, 200, 200, 200, 100], 'only shown');
  const fade = (await model.fading('Opacity', above, 0.5))!;
  await model.do(fade);
  assert.deepEqual(row(), [50, 125, 125, 150, 100]);
  assert.equal(await model.fading('Opacity', above, 0.5), undefined);
  await model.do((await model.showing('Hide', ({ id }) => id !== below))!);
  assert.deepEqual(row(), [100, 150, 150, 150, 100]);
  await model.do((await model.restoring('Restore', patch(1, 0, 1, 1, [255])))!);
  const restored = model.edits.at(-1)!.id;
  await model.do((await model.fading('Opacity', restored, 0.5))!);
  assert.equal(row()[1], 125);
  assert.deepEqual(model.onCanvas({ left: 5, top: -2, width: 9, height: 4 }), {
    left: 5,
    top: 0,
    width: 2,
    height: 2,
  });
});

test('the variations that were not picked stay with the edit, and can take its place', async () => {
  const model = new PictureModel<string>(grey(100));
  const start = await model.canvas();
  const result = (value: number) => {
    const raster = copyOf(start.raster);
    paste(raster, patch(1, 1, 1, 1, [value, value, value]));
    return raster;
  };
  const mask = blankRaster(7, 5, 1);
  const others = [20, 30, 100].map((value) => ({ result: result(value), about: String(value) }));
  await model.do(
    (await model.painting({ label: 'Paint', start, result: result(10), mask, about: '10', others }))!,
  );
  const at = () => model.pixels.data[3 * 8];
  const edit = () => model.edits[0]!;
  assert.equal(at(), 10);
  // One of them has changed nothing.
  assert.deepEqual(
    edit().others!.map(({ about }) => about),
    ['20', '30'],
  );
  const first = edit().variation!;
  const second = edit().others![0]!.id;
  await model.do((await model.fading('Opacity', edit().id, 0.5))!);
  const step = (await model.varying('Another', edit().id, second))!;
  await model.do(step);
  assert.equal(at(), 60);
  assert.deepEqual([edit().about, edit().variation], ['20', second]);
  assert.deepEqual(
    edit().others!.map(({ id, about }) => [id === first, about]),
    [
      [true, '10'],
      [false, '30'],
    ],
  );
  assert.equal(await model.varying('Another', edit().id, second), undefined, 'it is that already');
  assert.equal(await model.varying('Another', edit().id, 'none'), undefined);
  await model.undo(step);
  assert.equal(at(), 55);
  assert.equal(edit().variation, first);
});

test('an edit is moved over the next one, or below the one before it', async () => {
  const model = new PictureModel<string>(grey(100));
  await model.do((await painted(model, patch(0, 0, 3, 1, []), 10, 'a'))!);
  await model.do((await painted(model, patch(2, 0, 3, 1, []), 20, 'b'))!);
  const [a, b] = model.edits.map(({ id }) => id) as [string, string];
  const row = () => [0, 1, 2, 3, 4, 5].map((x) => model.pixels.data[3 * x]);
  assert.equal(await model.moving('Move', b, 1), undefined);
  assert.equal(await model.moving('Move', a, -1), undefined);
  assert.equal(await model.moving('Move', 'none', 1), undefined);
  const step = (await model.moving('Move', a, 1))!;
  await model.do(step);
  assert.deepEqual(row(), [10, 10, 10, 20, 20, 100]);
  assert.deepEqual(
    model.edits.map(({ id }) => id),
    [b, a],
  );
  await model.undo(step);
  assert.deepEqual(row(), [10, 10, 20, 20, 20, 100]);
});

test('an edit that is painted again gives way to the new one in one step', async () => {
  const model = new PictureModel<string>(grey(100));
  await model.do((await painted(model, patch(0, 0, 3, 1, []), 10, 'old'))!);
  const before = snapshot(model);
  const { id } = model.edits[0]!;
  const start = await model.canvas(id);
  const result = copyOf(start.raster);
  paste(result, patch(1, 0, 1, 1, [7, 7, 7]));
  const again = { label: 'Paint', start, result, mask: blankRaster(7, 5, 1), about: 'new', replaces: id };
  const step = (await model.painting(again))!;
  await model.do(step);
  assert.deepEqual(
    [0, 3, 6].map((i) => model.pixels.data[i]),
    [100, 7, 100],
  );
  assert.deepEqual(
    model.edits.map(({ shown }) => shown),
    [false, true],
  );
  await model.undo(step);
  assert.deepEqual(snapshot(model), before);
});

test('a restoration brings back what the file has, as far as it covers', async () => {
  const model = new PictureModel<string>(grey(100));
  await model.do((await painted(model, patch(0, 0, 3, 1, []), 200))!);
  await model.do((await model.restoring('Restore', patch(0, 0, 3, 1, [255, 51, 0])))!);
  assert.deepEqual(
    [0, 3, 6].map((i) => model.pixels.data[i]),
    [100, 180, 200],
  );
});

test('a result is laid over what the picture has become since', async () => {
  const model = new PictureModel<string>(grey(10));
  const start = await model.canvas();
  const result = grey(10);
  result.data.set([50, 50, 50], 3);
  result.data.set([60, 60, 60], 9);
  await model.do((await painted(model, patch(0, 0, 3, 1, []), 77))!);
  const before = snapshot(model);
  const step = (await model.painting({ label: 'x', start, result, mask: blankRaster(7, 5, 1), about: 'x' }))!;
  await model.do(step);
  assert.deepEqual([...model.pixels.data.subarray(0, 12)], [77, 77, 77, 50, 50, 50, 77, 77, 77, 60, 60, 60]);
  await model.undo(step);
  assert.deepEqual(snapshot(model), before);
});

test('an extension is one step; edits beside it stay at their places in the picture', async () => {
  const model = new PictureModel<string>(grey(100));
  await model.do((await painted(model, patch(1, 0, 1, 1, []), 10))!);
  await model.do((await mask(model, patch(2, 2, 1, 1, [])))!);
  const before = snapshot(model);
  const step = (await extended(model, { left: 2, top: 1, right: 0, bottom: 0 }, 200))!;
  await model.do(step);
  assert.deepEqual([model.width, model.height], [9, 6]);
  assert.deepEqual(model.frame, { left: -2, top: -1, width: 9, height: 6 });
  const at = (x: number, y: number) => model.pixels.data[3 * (y * model.width + x)];
  assert.deepEqual([at(0, 0), at(2, 1), at(3, 1)], [200, 100, 10]);
  assert.deepEqual(model.masked, { left: 4, top: 3, width: 1, height: 1 });
  // An edit in the new part, and one that reaches over its edge.
  await model.do((await painted(model, patch(1, 1, 3, 1, []), 50))!);
  assert.deepEqual([at(1, 1), at(3, 1)], [50, 50]);
  const { id } = model.edits[1]!;
  const hide = (await model.showing('Hide', (edit) => edit.id !== id))!;
  await model.do(hide);
  assert.deepEqual([model.width, model.height], [7, 5]);
  assert.deepEqual([at(0, 0), at(1, 0), at(2, 0)], [50, 50, 100]);
  await model.undo(hide);
  assert.deepEqual([at(0, 0), at(1, 1)], [200, 50]);
  await model.do((await model.showing('Hide', ({ shown }, i) => shown && i < 2))!);
  await model.undo(step);
  assert.deepEqual(snapshot(model)[1], before[1]);
});

test('a mask beyond the edge of a canvas that becomes smaller comes back with the undo', async () => {
  const model = new PictureModel<string>(grey(100));
  await model.do((await extended(model, { left: 0, top: 0, right: 4, bottom: 0 }, 200))!);
  await model.do((await mask(model, patch(5, 1, 5, 2, [])))!);
  const masked = model.mask.data.slice();
  const hide = (await model.showing('Hide', () => false))!;
  await model.do(hide);
  assert.deepEqual(model.masked, { left: 5, top: 1, width: 2, height: 2 });
  await model.undo(hide);
  assert.deepEqual(model.mask.data, masked);
});

test('a crop is one step, edits and mask stay where they are, and what was cut off comes back', async () => {
  const model = new PictureModel<string>(grey(100));
  await model.do((await painted(model, patch(0, 0, 3, 1, []), 10))!);
  await model.do((await mask(model, patch(1, 1, 5, 2, [])))!);
  const before = snapshot(model);
  const step = (await model.cropping('Crop', { left: 2, top: 0, width: 3, height: 2 }))!;
  await model.do(step);
  assert.deepEqual(model.frame, { left: 2, top: 0, width: 3, height: 2 });
  const row = () => Array.from({ length: model.width }, (_, x) => model.pixels.data[3 * x]);
  assert.deepEqual(row(), [10, 100, 100]);
  assert.deepEqual(model.masked, { left: 0, top: 1, width: 3, height: 1 });
  await model.do((await painted(model, patch(1, 0, 2, 1, []), 50))!);
  // A part of the restoration is where nothing is.
  await model.do((await model.restoring('Restore', patch(0, 0, 2, 1, [255, 255])))!);
  assert.deepEqual(row(), [100, 100, 50]);
  await model.do((await model.showing('Hide', ({ content }) => content.kind !== 'crop'))!);
  assert.deepEqual(row(), [10, 10, 100, 100, 50, 100, 100]);
  for (const bad of [
    { left: 0, top: 0, width: 0, height: 1 },
    { left: 6, top: 0, width: 9, height: 1 },
  ])
    await assert.rejects(model.cropping('Crop', bad), RangeError);
  assert.equal(await model.cropping('Crop', wholeOf(model)), undefined);
  const again = new PictureModel<string>(grey(100));
  await again.adopt(before[2] as never);
  await again.do(step);
  await again.undo(step);
  assert.deepEqual(snapshot(again)[1], before[1]);
});

test('a crop that no other edit leaves anything of is passed over', async () => {
  const model = new PictureModel<string>(grey(100));
  await model.do((await extended(model, { left: 4, top: 0, right: 0, bottom: 0 }, 200))!);
  await model.do((await model.cropping('Crop', { left: 0, top: 0, width: 3, height: 5 }))!);
  assert.deepEqual([model.width, model.pixels.data[0]], [3, 200]);
  await model.do((await model.showing('Hide', ({ content }) => content.kind === 'crop'))!);
  assert.deepEqual(model.frame, { left: 0, top: 0, width: 7, height: 5 });
});

test('a restoration reaches as far as the file', async () => {
  const model = new PictureModel<string>(grey(100));
  await model.do((await extended(model, { left: 3, top: 0, right: 0, bottom: 0 }, 200))!);
  await model.do((await painted(model, patch(2, 0, 2, 1, []), 10))!);
  await model.do((await model.restoring('Restore', patch(0, 0, 5, 1, [255, 255, 255, 255, 255])))!);
  assert.deepEqual(
    [0, 3, 6, 9].map((i) => model.pixels.data[i]),
    [200, 200, 10, 100],
  );
  assert.equal(await model.restoring('Restore', patch(0, 0, 2, 1, [255, 255])), undefined);
});
