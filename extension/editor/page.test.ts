import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { EditRequest, Engine } from '../../shared/api.ts';
import { EMPTY_DRAFT } from '../../shared/editorProtocol.ts';
import { objectMargin } from '../../shared/margins.ts';
import { blankRaster, type Patch, paste, type Raster } from '../../shared/raster.ts';
import { heldSegmenter } from './testing/heldSegmenter.ts';

const { commandAnswers, Uri } = await import('../../test/support/vscode/stub.ts');
const { checkingEngine, servicesIn } = await import('../../test/support/vscode/services.ts');
const { PictureDocument } = await import('./document.ts');
const { openPage } = await import('./testing/openPage.ts');

const SIDE = 16;
const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-page-'));
after(() => rm(folder, { recursive: true, force: true }));
const png = await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#4a8' } })
  .png()
  .toBuffer();
await writeFile(path.join(folder, 'field.png'), png);

const CLICK = { type: 'select', place: { points: [{ x: 1, y: 1, include: true }] }, how: 'add' };
const STROKE = {
  type: 'mask',
  label: 'Brush',
  patch: { left: 4, top: 4, width: 8, height: 8, data: new Uint8Array(64).fill(255) },
};
const APPLY = { type: 'apply', draft: { ...EMPTY_DRAFT, prompt: 'a boat' } };

/** An editor whose segmenter answers when the test says so. */
async function opened({ columns = SIDE, missingTwin }: { columns?: number; missingTwin?: string } = {}) {
  const { segment, answers } = heldSegmenter(SIDE, columns);
  const edits: EditRequest[] = [];
  const checking = checkingEngine(new Uint8Array(png), (request) => edits.push(request));
  const edit: Engine['edit'] = async (request) => ({
    ...(await checking.edit(request)),
    ...(missingTwin && { missingTwin }),
  });
  const engine = { ...checking, edit, segment };
  const services = servicesIn(folder, engine);
  const document = await PictureDocument.open(
    Uri.file(path.join(folder, 'field.png')) as never,
    services.log,
  );
  const panel = openPage(services, document);
  return { document, panel, answers, edits };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(2);
}

test('Apply waits for the strokes before it, behind a click that is being answered', async () => {
  const { document, panel, answers, edits } = await opened();
  for (const message of [CLICK, STROKE, APPLY]) panel.send(message);
  await until(() => answers.length > 0);
  assert.equal(document.state.run?.stage, 'wait');
  assert.equal(document.state.failure, undefined);
  answers[0]!();
  await until(() => document.state.run === undefined);
  assert.equal(document.state.failure, undefined);
  assert.ok((edits[0]!.mask as Raster).data.every((value) => value > 0));
  document.dispose();
});

test('an edit that waits for a click is cancelled at once', async () => {
  const { document, panel, answers, edits } = await opened();
  for (const message of [CLICK, APPLY]) panel.send(message);
  await until(() => answers.length > 0);
  panel.send({ type: 'cancel' });
  await until(() => document.state.run === undefined);
  assert.equal(document.state.notice, 'Cancelled.');
  answers[0]!();
  await until(() => document.state.selecting === undefined);
  assert.equal(edits.length, 0);
  document.dispose();
});

/** A patch of a mask that has one value everywhere. */
function filled(left: number, top: number, side: number, value: number): Patch {
  return { left, top, width: side, height: side, data: new Uint8Array(side * side).fill(value) };
}

test('strokes behind a click that is being answered are laid over its answer, in the page too', async () => {
  const { document, panel, answers } = await opened({ columns: SIDE / 2 });
  const strokes = [filled(4, 4, 8, 255), filled(6, 6, 2, 0)];
  // The second one erases some of the first, on the mask that the page shows.
  const shown = blankRaster(SIDE, SIDE, 1);
  for (const patch of strokes) paste(shown, patch);
  for (const message of [CLICK, ...strokes.map((patch) => ({ ...STROKE, patch }))]) panel.send(message);
  await until(() => answers.length > 0);
  const before = panel.received.length;
  answers[0]!();
  const masks = () => panel.received.slice(before).filter(({ type }) => type === 'mask');
  await until(() => masks().length === 3);
  for (const { patch } of masks()) paste(shown, patch as Patch);
  const { mask } = await document.model();
  assert.deepEqual(shown.data, mask.data);
  const at = (x: number, y: number) => mask.data[y * SIDE + x];
  // The object, also beside the stroke and inside its bounds; the stroke; what it has erased.
  assert.deepEqual([at(0, 0), at(3, 8), at(10, 8), at(14, 8), at(6, 6)], [255, 255, 255, 0, 0]);
  panel.send({ ...STROKE, patch: filled(0, 0, 4, 0) });
  await until(() => mask.data[0] === 0);
  assert.equal(masks().length, 3, 'a stroke drawn on the mask as it is needs no answer');
  document.dispose();
});

test('an object is repainted with a margin; what is brushed, and a mask changed as a whole, exactly', async () => {
  const columns = 3;
  const { document, panel, answers, edits } = await opened({ columns });
  const selected = async () => {
    const [before, told] = [answers.length, panel.received.length];
    panel.send({ ...CLICK, how: 'replace' });
    await until(() => answers.length > before);
    answers.at(-1)!();
    await until(() => panel.received.slice(told).some(({ type }) => type === 'objects'));
    await sleep(5);
  };
  const row = async (message: object = APPLY) => {
    const before = edits.length;
    panel.send(message as typeof APPLY);
    await until(() => edits.length > before && document.state.run === undefined);
    const { data } = edits.at(-1)!.mask as Raster;
    return [...data.subarray(0, SIDE)].map((value) => value > 0).lastIndexOf(true);
  };
  const margin = objectMargin({ width: SIDE, height: SIDE });
  await selected();
  assert.equal(await row(), columns - 1 + margin);
  await selected();
  assert.equal(await row({ type: 'apply', draft: { ...EMPTY_DRAFT, way: 'remove' } }), columns - 1);
  await selected();
  // What the eraser takes off the object stays as it is.
  panel.send({ ...STROKE, label: 'Erase', patch: filled(0, 0, 4, 0) });
  await row();
  const { data } = edits.at(-1)!.mask as Raster;
  assert.deepEqual([...data.subarray(0, 4)].map(Boolean), [false, false, false, true]);
  await selected();
  panel.send({ ...STROKE, label: 'Shrink Mask', whole: true, patch: filled(0, 0, 2, 0) });
  assert.equal(await row(), columns - 1);
  panel.send({ ...STROKE, patch: filled(0, 0, 8, 255) });
  assert.equal(await row(), 7, 'the mask of the edit before is gone, with its object');
  document.dispose();
});

test('an inpainting model that is not here is offered once, and the button downloads it', async () => {
  const missingTwin = 'stable-diffusion-v1-5/stable-diffusion-inpainting';
  const { document, panel, edits } = await opened({ missingTwin });
  const edited = async () => {
    const before = edits.length;
    for (const message of [STROKE, APPLY]) panel.send(message);
    await until(() => edits.length > before && document.state.run === undefined);
    return document.state;
  };
  const { offer, notice } = await edited();
  assert.deepEqual(offer, { model: missingTwin, text: 'Get Stable Diffusion 1.5 for edits (2.13 GB)…' });
  assert.match(notice!, /^Edit applied\. This model does not see the mask/);
  const asked: unknown[] = [];
  commandAnswers.set('patchwork.models.get', (model) => {
    asked.push(model);
    return folder;
  });
  panel.send({ type: 'getModel', model: offer!.model });
  await until(() => document.state.notice?.startsWith('Installed.') === true);
  commandAnswers.clear();
  assert.deepEqual(asked, [missingTwin]);
  assert.equal(document.state.notice, 'Installed. It makes the edits from now on.');
  assert.equal(document.state.offer, undefined);
  assert.equal((await edited()).offer, undefined, 'once');
  document.dispose();
});
