import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compression, nextTask } from '#host';
import { blankRaster, copyOf, wholeOf } from '../../shared/raster.ts';
import { composed, differenceInTurns } from './composing.ts';
import { packed } from './packed.ts';
import { PictureModel } from './pictureModel.ts';

/** A photograph of several bands, and all of it repainted. */
const SIDE = { width: 2048, height: 1536 };
const white = blankRaster(SIDE.width, SIDE.height, 3);
white.data.fill(255);

/** Calls `seen` whenever the process has time for something else while a task runs. */
async function beside<Result>(task: Promise<Result>, seen: () => void): Promise<Result> {
  let isDone = false;
  const watching = (async () => {
    while (!isDone) {
      await nextTask();
      if (!isDone) seen();
    }
  })();
  const result = await task.finally(() => {
    isDone = true;
  });
  await watching;
  return result;
}

async function painted() {
  const model = new PictureModel<string>(blankRaster(SIDE.width, SIDE.height, 3));
  const start = await model.canvas();
  const mask = blankRaster(SIDE.width, SIDE.height, 1);
  const step = await model.painting({ label: 'Paint', start, result: copyOf(white), mask, about: '' });
  await model.do(step!);
  return model;
}

test('the host answers between the bands of a photograph that an edit is laid over', async () => {
  const { edits, original } = await painted();
  const canvas = { raster: copyOf(original), frame: wholeOf(original) };
  const { data } = canvas.raster;
  let halves = 0;
  await beside(composed(canvas, edits, original), () => {
    if (data[0] === 255 && data.at(-1) === 0) halves++;
  });
  assert.deepEqual(data, white.data);
  assert.ok(halves > 0, 'nothing was handled while a part was laid over');
});

test('the host answers while two photographs are compared, and while values are packed', async () => {
  let turns = 0;
  const count = () => turns++;
  const other = copyOf(white);
  other.data[other.data.length - 1] = 0;
  const area = await beside(differenceInTurns(white, other), count);
  assert.deepEqual(area, { left: SIDE.width - 1, top: SIDE.height - 1, width: 1, height: 1 });
  assert.ok(turns > 0, 'compared at once');
  for (const work of [
    () => packed({ ...wholeOf(SIDE), data: white.data }),
    async () => compression.inflateRaw(await compression.deflateRaw(white.data), white.data.length),
  ]) {
    turns = 0;
    await beside<unknown>(work(), count);
    assert.ok(turns > 0, 'on the thread of the host');
  }
});

test('an opacity that is not wanted any more is not composed to the end', async () => {
  const model = await painted();
  const stop = new AbortController();
  const fading = model.fadedCanvas(model.edits[0]!.id, 0.5, stop.signal);
  stop.abort();
  await assert.rejects(fading, { name: 'AbortError' });
});
