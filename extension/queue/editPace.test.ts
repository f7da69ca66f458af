import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EditRequest, EditResult } from '../../shared/api.ts';
import { blankRaster } from '../../shared/raster.ts';
import { resultOf } from '../../shared/testing.ts';
import { MemoryStorage } from '../../test/support/storage.ts';
import { EditPace, editKind } from './editPace.ts';

const SIZE = { width: 100, height: 100 };

/** An edit that paints a share of an image. */
function kind(share: number, change: Partial<EditRequest> = {}, prepared = true, size = SIZE) {
  const mask = blankRaster(100, 100, 1);
  mask.data.fill(255, 0, Math.round(share * 10_000));
  const request: EditRequest = { prompt: 'a', image: new Uint8Array(), steps: 8, mode: 'auto', mask };
  return editKind({ ...request, ...change }, prepared, size);
}

/** An edit of ten steps, half a second of other work, and two seconds of loading. */
function edit(stepSeconds: number, change: Partial<EditResult> = {}): EditResult {
  return {
    ...resultOf(),
    stepSeconds: Array<number>(10).fill(stepSeconds),
    seconds: 10 * stepSeconds + 2.5,
    loadSeconds: 2,
    mode: 'sparse',
    recordedSteps: 0,
    ...change,
  } as EditResult;
}

test('nothing is expected of an edit unlike those that were measured', async () => {
  const pace = new EditPace(new MemoryStorage());
  assert.equal(pace.like(kind(0.1)), undefined);
  await pace.note(kind(0.1), edit(0.25));
  assert.equal(pace.like(kind(0.01)), undefined, 'far less is painted');
  assert.equal(pace.like(kind(0.5)), undefined, 'far more is painted');
  for (const change of [
    { model: 'm' },
    { steps: 4 },
    { strength: 0.5 },
    { remove: true },
    { precision: 'int8' },
  ] as const)
    assert.equal(pace.like(kind(0.1, change)), undefined, JSON.stringify(change));
  assert.equal(pace.like(kind(0.1, {}, false)), undefined, 'it is not recorded');
  assert.equal(pace.like(kind(0.2, {}, true, { width: 200, height: 100 })), undefined);
});

test('an edit like another one takes as long, loading left out', async () => {
  const pace = new EditPace(new MemoryStorage());
  await pace.note(kind(0.1), edit(0.25));
  assert.deepEqual(pace.like(kind(0.12)), { steps: 10, stepSeconds: 0.25, otherSeconds: 0.5 });
});

test('more of the image takes longer, up to the time of all of it', async () => {
  const pace = new EditPace(new MemoryStorage());
  await pace.note(kind(0.1), edit(0.25));
  await pace.note(kind(0.3), edit(0.5));
  assert.ok(Math.abs(pace.like(kind(0.2))!.stepSeconds - 0.375) < 1e-9);
  // Everything takes ten steps of 1.2 s.
  assert.ok(Math.abs(pace.like(kind(0.65), 12)!.stepSeconds - 0.85) < 1e-9);
  await pace.note(kind(0.8), edit(1, { mode: 'dense' }));
  assert.ok(Math.abs(pace.like(kind(0.65))!.stepSeconds - 0.75) < 1e-9);
});

test('an edit that had to be recorded first says nothing; the last one of a share counts', async () => {
  const storage = new MemoryStorage();
  const pace = new EditPace(storage);
  await pace.note(kind(0.1), edit(0.25, { recordedSteps: 3 }));
  assert.equal(pace.like(kind(0.1)), undefined);
  await pace.note(kind(0.1), edit(0.25));
  await pace.note(kind(0.105), edit(0.5));
  assert.equal(new EditPace(storage).like(kind(0.1))!.stepSeconds, 0.5, 'it is remembered');
  await storage.update('patchwork.editPace', [null, { key: 1 }, 'x']);
  assert.equal(pace.like(kind(0.1)), undefined);
});

test('an edit without a mask paints everything', async () => {
  const pace = new EditPace(new MemoryStorage());
  await pace.note(kind(0, { mask: undefined }), edit(1, { mode: 'dense' }));
  assert.equal(pace.like(kind(0, { mask: undefined }))!.stepSeconds, 1);
  assert.equal(pace.like(kind(0.9)), undefined, 'with a mask it is another edit');
});
