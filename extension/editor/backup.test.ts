import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serialize } from 'node:v8';
import { deflateRawSync } from 'node:zlib';
import { blankRaster, paste } from '../../shared/raster.ts';
import { backupOf, readBackup, restoreParts } from './backup.ts';
import type { Painted } from './painted.ts';
import { PictureModel, type Step } from './pictureModel.ts';
import { painted } from './testing/painted.ts';

const original = () => ({ width: 6, height: 4, channels: 3, data: new Uint8Array(72).fill(50) });

test('a backup brings picture, mask and edits back as they were, and the steps that can be undone', async () => {
  const model = new PictureModel<Painted>(original());
  const steps: Step<Painted>[] = [];
  const perform = async (step: Step<Painted> | undefined) => {
    await model.do(step!);
    steps.push(step!);
  };
  const result = { ...original() };
  paste(result, { left: 5, top: 3, width: 1, height: 1, data: Uint8Array.of(1, 2, 3) });
  const about = painted('a boat');
  const start = await model.canvas();
  const place = { left: 1, top: 1, width: 2, height: 1 };
  await perform(await model.painting({ label: 'x', start, result, mask: blankRaster(6, 4, 1), about }));
  await perform(
    await model.masking(
      'x',
      { ...place, data: Uint8Array.of(200, 9) },
      { ...place, data: Uint8Array.of(255, 0) },
    ),
  );
  const backup = readBackup(await backupOf({ file: Uint8Array.of(7), disk: 'digest', model, steps }));
  assert.deepEqual([...backup.file], [7]);
  assert.equal(backup.disk, 'digest');
  const restored = new PictureModel<Painted>(original());
  await restoreParts(restored, backup);
  assert.deepEqual(restored.mask.data, model.mask.data);
  assert.deepEqual(restored.selected, { left: 1, top: 1, width: 1, height: 1 });
  assert.deepEqual(restored.pixels.data, model.pixels.data);
  assert.deepEqual(restored.original.data, model.original.data);
  assert.equal(restored.lastPainted?.about?.recipe.prompt, 'a boat');
  for (const step of [...backup.steps].reverse()) await restored.undo(step);
  assert.deepEqual(restored.pixels.data, original().data);
  assert.equal(restored.masked, undefined);
  assert.deepEqual(restored.edits, []);
});

test('a backup brings back a canvas that was extended, and what takes it back', async () => {
  const model = new PictureModel<Painted>(original());
  const steps: Step<Painted>[] = [];
  const perform = async (step: Step<Painted> | undefined) => {
    await model.do(step!);
    steps.push(step!);
  };
  await perform(
    await model.drawing('mask', 'x', { left: 1, top: 1, width: 2, height: 1, data: Uint8Array.of(200, 9) }),
  );
  const extension = { left: 2, top: 1, right: 0, bottom: 3 };
  const result = blankRaster(8, 8, 3);
  result.data.fill(90);
  const about = painted('a lake');
  const [start, mask] = [await model.canvas(), blankRaster(6, 4, 1)];
  await perform(await model.painting({ label: 'x', start, extension, result, mask, about }));
  await perform(
    await model.drawing('mask', 'x', { left: 6, top: 6, width: 1, height: 1, data: Uint8Array.of(77) }),
  );
  const backup = readBackup(await backupOf({ file: Uint8Array.of(7), disk: 'digest', model, steps }));
  const restored = new PictureModel<Painted>(original());
  await restoreParts(restored, backup);
  assert.deepEqual(restored.frame, { left: -2, top: -1, width: 8, height: 8 });
  assert.deepEqual(restored.pixels, model.pixels);
  assert.deepEqual(restored.mask, model.mask);
  for (const step of [...backup.steps].reverse()) await restored.undo(step);
  assert.deepEqual(restored.pixels, original());
  assert.equal(restored.masked, undefined);
});

test('a backup brings back a canvas that was cropped, and what was cut off', async () => {
  const model = new PictureModel<Painted>(original());
  model.original.data[0] = 9;
  model.pixels.data[0] = 9;
  const stroke = { left: 0, top: 0, width: 2, height: 2, data: Uint8Array.of(200, 0, 0, 9) };
  const drawn = (await model.drawing('mask', 'x', stroke))!;
  await model.do(drawn);
  const step = (await model.cropping('x', { left: 2, top: 1, width: 3, height: 2 }))!;
  await model.do(step);
  const steps = [drawn, step];
  const backup = readBackup(await backupOf({ file: Uint8Array.of(7), disk: 'digest', model, steps }));
  const restored = new PictureModel<Painted>(model.original);
  await restoreParts(restored, backup);
  assert.deepEqual(restored.frame, { left: 2, top: 1, width: 3, height: 2 });
  assert.deepEqual(restored.pixels, model.pixels);
  await restored.undo(backup.steps[1]!);
  assert.deepEqual(restored.pixels, model.original);
  assert.deepEqual(restored.masked, { left: 0, top: 0, width: 2, height: 2 });
  const whole = { version: 2, file: Uint8Array.of(7), disk: 'digest', parts: [], steps: [] };
  for (const area of [
    {},
    { left: 0, top: 0, width: -1, height: 2 },
    { left: 1e9, top: 0, width: 1, height: 1 },
  ]) {
    const edits = [{ ...model.edits[0]!, content: { kind: 'crop', area } }];
    assert.throws(() => readBackup(serialize({ ...whole, edits })), /damaged/);
  }
});

test('a backup keeps the order of the edits, their variations and how much of each is seen', async () => {
  const model = new PictureModel<Painted>(original());
  for (const [left, value] of [
    [0, 100],
    [1, 200],
  ] as const) {
    const start = await model.canvas();
    const result = (await model.canvas()).raster;
    paste(result, { left, top: 0, width: 2, height: 1, data: new Uint8Array(6).fill(value) });
    const mask = blankRaster(6, 4, 1);
    const other = (await model.canvas()).raster;
    other.data.fill(value / 4);
    const others = [{ result: other, about: painted('other') }];
    await model.do(
      (await model.painting({ label: 'x', start, result, mask, about: painted(String(value)), others }))!,
    );
  }
  const [first, second] = model.edits.map(({ id }) => id) as [string, string];
  await model.do((await model.fading('x', second, 0.5))!);
  await model.do((await model.moving('x', first, 1))!);
  const read = readBackup(await backupOf({ file: Uint8Array.of(7), disk: 'digest', model, steps: [] }));
  const restored = new PictureModel<Painted>(original());
  await restoreParts(restored, read);
  assert.deepEqual(
    restored.edits.map(({ id, opacity }) => [id, opacity]),
    [
      [second, 0.5],
      [first, undefined],
    ],
  );
  assert.deepEqual(restored.pixels, model.pixels);
  const [other] = restored.edits[1]!.others!;
  await restored.do((await restored.varying('x', first, other!.id))!);
  assert.equal(restored.pixels.data[0], 25);
  assert.equal(restored.edits[1]!.about!.recipe.prompt, 'other');
  const whole = { version: 2, file: Uint8Array.of(7), disk: 'digest', parts: [], steps: [] };
  for (const opacity of [-0.1, 1.1, Number.NaN, '1']) {
    const edits = model.edits.map((edit) => ({ ...edit, opacity }));
    assert.throws(() => readBackup(serialize({ ...whole, edits })), /damaged/);
  }
  const many = model.edits.map((edit) => ({ ...edit, others: Array(4).fill(edit.others![0]) }));
  assert.throws(() => readBackup(serialize({ ...whole, edits: many })), /damaged/);
});

test('an untouched picture has a backup without parts', async () => {
  const model = new PictureModel<Painted>(original());
  const bytes = await backupOf({ file: Uint8Array.of(7), disk: 'digest', model, steps: [] });
  assert.deepEqual(readBackup(bytes).parts, []);
});

test('a part that inflates to anything but its area changes nothing', async () => {
  const area = { layer: 'mask', left: 1, top: 1, width: 2, height: 1 } as const;
  const whole = { version: 2, file: Uint8Array.of(7), disk: 'digest', edits: [], steps: [] } as const;
  for (const part of [
    { ...area, deflated: deflateRawSync(new Uint8Array(200 << 20)) },
    { ...area, deflated: deflateRawSync(new Uint8Array(1)) },
    { ...area, deflated: Uint8Array.of(1, 2, 3) },
    { ...area, left: 5, deflated: deflateRawSync(new Uint8Array(2)) },
  ]) {
    const model = new PictureModel<Painted>(original());
    await assert.rejects(restoreParts(model, readBackup(serialize({ ...whole, parts: [part] }))), /damaged/);
    assert.deepEqual(model.mask.data, new Uint8Array(24));
  }
  for (const parts of [
    [{ ...area, layer: '__proto__', deflated: Uint8Array.of() }],
    [null],
    'x',
    [area, area, area],
  ])
    assert.throws(() => readBackup(serialize({ ...whole, parts })), /damaged/);
});

test('an edit or a step that is damaged is found before anything is restored', async () => {
  const area = { left: 1, top: 1, width: 2, height: 1 };
  const good = { ...area, deflated: deflateRawSync(new Uint8Array(6)) };
  const bad = { ...area, deflated: deflateRawSync(new Uint8Array(5)) };
  const whole = { version: 2, file: Uint8Array.of(7), disk: 'digest', parts: [], edits: [], steps: [] };
  const edit = { id: 'x', label: 'x', shown: true };
  const change = { layer: 'pixels', ...area, before: good.deflated, after: bad.deflated };
  for (const damage of [
    { edits: [{ ...edit, content: { kind: 'paint', from: good, to: bad } }] },
    { edits: [{ ...edit, content: { kind: 'restore', coverage: good } }] },
    {
      edits: [
        {
          ...edit,
          content: { kind: 'paint', from: good, to: good },
          variation: 'x',
          others: [{ id: 'y', content: { kind: 'paint', from: good, to: bad } }],
        },
      ],
    },
    { steps: [{ label: 'x', changes: [change] }] },
  ]) {
    const model = new PictureModel<Painted>(original());
    const backup = readBackup(serialize({ ...whole, ...damage }));
    await assert.rejects(restoreParts(model, backup), /damaged/);
    assert.deepEqual(model.edits, []);
  }
});

test('what is no backup is refused', async () => {
  for (const bytes of [serialize({ version: 1 }), serialize(null), Uint8Array.of(1, 2, 3)])
    assert.throws(() => readBackup(bytes), /could not be restored/);
});
