import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import type { CustomDocumentEditEvent, LogOutputChannel, Uri as VsCodeUri } from 'vscode';
import type { EditorHostMessage } from '../../shared/editorProtocol.ts';
import { blankRaster, paste } from '../../shared/raster.ts';
import { readBackup } from './backup.ts';
import type { PictureDocument as Document } from './document.ts';
import { painted } from './testing/painted.ts';

const { Uri, workspace } = await import('../../test/support/vscode/stub.ts');
const { PictureDocument } = await import('./document.ts');

const SIDE = 4;
const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-document-'));
after(() => rm(folder, { recursive: true, force: true }));
const log = { error() {} } as unknown as LogOutputChannel;
const spot = { left: 1, top: 1, width: 1, height: 1 };

/** A document of a grey image, the messages that a page of it received, and the steps reported to VS Code. */
async function opened(name: string) {
  const file = path.join(folder, name);
  await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#808080' } })
    .png()
    .toFile(file);
  const uri = Uri.file(file) as unknown as VsCodeUri;
  return { file, uri, ...shown(await PictureDocument.open(uri, log)) };
}

function shown(document: Document) {
  const received: EditorHostMessage[] = [];
  const page = { post: (message: EditorHostMessage) => received.push(message) };
  document.add(page);
  const steps: CustomDocumentEditEvent<Document>[] = [];
  document.onDidEdit((step) => steps.push(step));
  return { document, page, received, steps };
}

async function paintSpot(document: Document): Promise<void> {
  const start = await document.canvas();
  const result = { ...start.raster, data: start.raster.data.slice() };
  paste(result, { ...spot, data: Uint8Array.of(1, 2, 3) });
  const mask = blankRaster(SIDE, SIDE, 1);
  await document.paint({ label: 'Boat', start, result, mask, about: painted('a boat') });
}

async function spotOf(document: Document): Promise<number[]> {
  const { width, data } = (await document.model()).pixels;
  const at = 3 * (spot.top * width + spot.left);
  return [...data.subarray(at, at + 3)];
}

const typesOf = (messages: readonly EditorHostMessage[]) => messages.map(({ type }) => type);

test('of opacities that come together only the last is shown, and a step is made of the one that is done', async () => {
  const { document, received, steps } = await opened('fades.png');
  await paintSpot(document);
  const { id } = (await document.model()).edits[0]!;
  const shownFrom = (from: number) =>
    received.slice(from).flatMap((message) => (message.type === 'pixels' ? message.patch.data[0] : []));
  const begin = received.length;
  await Promise.all([0.9, 0.4, 0].map((opacity) => document.fadeEdit(id, opacity, false)));
  assert.deepEqual([shownFrom(begin), steps.length], [[128], 1]);
  await Promise.all([document.fadeEdit(id, 0.4, false), document.fadeEdit(id, 1, true)]);
  assert.deepEqual([shownFrom(begin), steps.length], [[128, 1], 1]);
  document.dispose();
});

test('an edit is one step of undo, and every page gets its pixels and its place in the list', async () => {
  const { document, received, steps } = await opened('steps.png');
  await paintSpot(document);
  assert.deepEqual(await spotOf(document), [1, 2, 3]);
  for (const type of ['pixels', 'thumbnail', 'edits', 'cost'] as const)
    assert.ok(typesOf(received).includes(type), `no ${type} was sent`);
  const { edited, canUndo, canRedo } = document.state;
  assert.deepEqual([steps.length, edited, canUndo, canRedo], [1, true, true, false]);
  received.length = 0;
  await steps[0]!.undo();
  assert.deepEqual(await spotOf(document), [128, 128, 128]);
  assert.deepEqual(
    [document.state.edited, document.state.canUndo, document.state.canRedo],
    [false, false, true],
  );
  assert.deepEqual(received.findLast((message) => message.type === 'edits')?.edits, []);
  await steps[0]!.redo();
  assert.deepEqual(await spotOf(document), [1, 2, 3]);
});

test('changes that come together are made one after another, each for the image as it is then', async () => {
  const { document, steps } = await opened('together.png');
  await paintSpot(document);
  const { id } = (await document.model()).edits[0]!;
  await Promise.all([document.fadeEdit(id, 0.5, true), document.showEdits('Hide', () => false)]);
  const now = async () => {
    const [edit] = (await document.model()).edits;
    return [edit!.shown, edit!.opacity];
  };
  assert.deepEqual(await now(), [false, 0.5]);
  await Promise.all([steps[2]!.undo(), steps[1]!.undo()]);
  assert.deepEqual(await now(), [true, undefined]);
  assert.deepEqual(await spotOf(document), [1, 2, 3]);
});

test('a page that drew a stroke itself is not sent it; other pages are', async () => {
  const { document, page, received } = await opened('stroke.png');
  const other: EditorHostMessage[] = [];
  document.add({ post: (message) => other.push(message) });
  await document.changeMask('Brush', { ...spot, data: Uint8Array.of(255) }, { from: page });
  assert.deepEqual([typesOf(received).includes('mask'), typesOf(other).includes('mask')], [false, true]);
});

test('saving writes the pixels, and only later steps are unsaved', async () => {
  const { document, file } = await opened('saved.png');
  await paintSpot(document);
  await document.save(async () => false);
  const { data } = await sharp(await readFile(file))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const at = 3 * (spot.top * SIDE + spot.left);
  assert.deepEqual([...data.subarray(at, at + 3)], [1, 2, 3]);
  assert.equal(readBackup(await document.backup()).steps.length, 0);
  await document.changeMask('Brush', { ...spot, data: Uint8Array.of(255) });
  assert.equal(readBackup(await document.backup()).steps.length, 1);
});

test('a backup brings back the edit and its step', async () => {
  const { document, uri } = await opened('backup.png');
  await paintSpot(document);
  const again = shown(await PictureDocument.open(uri, log, readBackup(await document.backup())));
  await again.document.resumeSteps();
  assert.deepEqual(await spotOf(again.document), [1, 2, 3]);
  assert.equal(again.document.state.canUndo, true);
  await again.steps[0]!.undo();
  assert.deepEqual(await spotOf(again.document), [128, 128, 128]);
});

test('after a revert the file is shown again, and its earlier steps cannot be undone', async () => {
  const { document, received, steps } = await opened('reverted.png');
  await paintSpot(document);
  received.length = 0;
  await document.revert();
  assert.deepEqual(await spotOf(document), [128, 128, 128]);
  assert.ok(typesOf(received).includes('open'));
  assert.deepEqual([document.state.edited, document.state.canUndo], [false, false]);
  await steps[0]!.undo();
  assert.match(document.state.notice ?? '', /loaded again/);
  assert.deepEqual(await spotOf(document), [128, 128, 128]);
});

test('a file that changed on the disk is followed, or reported where there are edits', async () => {
  const { document, file } = await opened('disk.png');
  const black = await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#000' } })
    .png()
    .toBuffer();
  await document.diskChanged(() => false);
  assert.deepEqual(await spotOf(document), [128, 128, 128]);
  await writeFile(file, black);
  await document.diskChanged(() => true);
  assert.equal(document.state.changedOnDisk, true);
  await assert.rejects(
    document.save(async () => false),
    /has changed on disk/,
  );
  await document.keepMine();
  assert.equal(document.state.changedOnDisk, false);
  await writeFile(file, await sharp(black).negate().png().toBuffer());
  await document.diskChanged(() => false);
  assert.deepEqual(await spotOf(document), [255, 255, 255]);
});

test('an edit that is made while a changed file is read stays', async () => {
  const { document, file } = await opened('read.png');
  const { readFile } = workspace.fs;
  await writeFile(file, await sharp(file).negate().png().toBuffer());
  const painting = document.canvas().then(() => paintSpot(document));
  Object.assign(workspace.fs, {
    async readFile(uri: Parameters<typeof readFile>[0]) {
      const bytes = await readFile(uri);
      await painting;
      return bytes;
    },
  });
  try {
    await document.diskChanged(() => false);
  } finally {
    Object.assign(workspace.fs, { readFile });
  }
  assert.deepEqual(await spotOf(document), [1, 2, 3]);
  assert.equal(document.state.changedOnDisk, true);
});

test('the document stays as it is when its own file is read while it is being saved', async () => {
  // What is kept beside a large file takes a while.
  const side = 1000;
  const file = path.join(folder, 'own.png');
  const noise = Uint8Array.from({ length: 3 * side ** 2 }, (_, i) => (i * 7919) >> 5);
  await sharp(noise, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toFile(file);
  const document = await PictureDocument.open(Uri.file(file) as unknown as VsCodeUri, log);
  const start = await document.canvas();
  const result = { ...start.raster, data: noise.slice().reverse() };
  const mask = blankRaster(side, side, 1);
  await document.paint({ label: 'Boat', start, result, mask, about: painted('a boat') });
  const before = await readFile(file);
  const saving = document.save(async () => false);
  // VS Code tells of the change at once; the document is saved when the turn of this comes.
  while ((await readFile(file)).equals(before)) {}
  const [{ edits }] = await Promise.all([saving, document.diskChanged(() => false)]);
  assert.equal(readBackup(edits!).edits.length, 1);
  assert.equal((await document.model()).edits.length, 1);
  assert.equal(document.state.edited, true);
});

test('saving under another name waits for the change that is under way', async () => {
  const { document } = await opened('as.png');
  const start = await document.canvas();
  const result = { ...start.raster, data: start.raster.data.slice() };
  paste(result, { ...spot, data: Uint8Array.of(1, 2, 3) });
  const mask = blankRaster(SIDE, SIDE, 1);
  const painting = document.paint({ label: 'Boat', start, result, mask, about: painted('a boat') });
  const target = Uri.file(path.join(folder, 'as-2.png')) as unknown as VsCodeUri;
  await Promise.all([painting, document.saveAs(target)]);
  const { data } = await sharp(path.join(folder, 'as-2.png')).removeAlpha().raw().toBuffer({
    resolveWithObject: true,
  });
  const at = 3 * (spot.top * SIDE + spot.left);
  assert.deepEqual([...data.subarray(at, at + 3)], [1, 2, 3]);
});

test('a stroke ends what was said of the last edit, and keeps an offer', async () => {
  const { document, page } = await opened('said.png');
  const stroke = { left: 0, top: 0, width: 1, height: 1, data: Uint8Array.of(255) };
  document.notice('Edit applied.');
  await document.changeMask('Brush', stroke, { from: page });
  assert.equal(document.state.notice, undefined);
  document.notice('Low confidence in this mask.', { model: 'sam', text: 'Get It…' });
  await document.changeMask('Brush', { ...stroke, left: 1 }, { from: page });
  assert.match(document.state.notice ?? '', /Low confidence/);
});

test('what is offered goes with its sentence', async () => {
  const { document } = await opened('offer.png');
  document.notice('Low confidence in this mask.', { model: 'sam', text: 'Get It…' });
  assert.equal(document.state.offer?.model, 'sam');
  document.notice('Edit applied.');
  assert.equal(document.state.offer, undefined);
});
