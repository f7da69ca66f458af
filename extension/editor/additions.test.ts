import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { NO_ADDITIONS, NO_CONTROL } from '../../shared/additions.ts';
import type { EditRequest } from '../../shared/api.ts';
import { type EditDraft, EMPTY_DRAFT } from '../../shared/editorProtocol.ts';
import { boundsOf, cut, type Raster } from '../../shared/raster.ts';
import type { Backup } from './backup.ts';

const { Uri } = await import('../../test/support/vscode/stub.ts');
const { checkingEngine, servicesIn } = await import('../../test/support/vscode/services.ts');
const { readBackup } = await import('./backup.ts');
const { PictureDocument } = await import('./document.ts');
const { openPage } = await import('./testing/openPage.ts');

const SIDE = 16;
const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-sketch-'));
after(() => rm(folder, { recursive: true, force: true }));
const png = await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#4a8' } })
  .png()
  .toBuffer();
await writeFile(path.join(folder, 'field.png'), png);

/** An editor of the image with a fake page: messages can be sent to it, and those it sends are recorded. */
async function opened(backup?: Backup) {
  const edits: EditRequest[] = [];
  const services = servicesIn(
    folder,
    checkingEngine(new Uint8Array(png), (request) => edits.push(request)),
  );
  const document = await PictureDocument.open(
    Uri.file(path.join(folder, 'field.png')) as never,
    services.log,
    backup,
  );
  const steps: { undo(): void | Thenable<void> }[] = [];
  document.onDidEdit((step) => void steps.push(step));
  const panel = openPage(services, document);
  const until = async <Found>(find: () => Found | undefined): Promise<Found> => {
    for (let tries = 0; tries < 2000; tries++) {
      const found = find();
      if (found !== undefined) return found;
      await sleep(5);
    }
    throw new Error('Waited in vain.');
  };
  const received = (type: string) =>
    until(
      () => panel.received.find((message) => message.type === type) as Record<string, string> | undefined,
    );
  return { panel, document, edits, until, received, undo: async () => await steps.pop()!.undo() };
}

const stroke = { left: 4, top: 6, width: 8, height: 2, data: new Uint8Array(16).fill(255) };
const place = { list: 'references', field: 'mask', at: 0 } as const;
const control = { ...NO_CONTROL, model: 'net', hint: 'canny', strength: 0.5, end: 0.5 } as const;
const draft: EditDraft = {
  ...EMPTY_DRAFT,
  way: 'all',
  prompt: 'a house',
  seed: '7',
  seedLocked: true,
  control,
};
/** Two white pixels of the control layer. */
const line = { left: 5, top: 6, width: 2, height: 1, data: new Uint8Array(6).fill(255) };

/** The pixels of a control layer that are not black. */
const drawnIn = (image: unknown) => boundsOf(image as Raster);

test('the control layer steers an edit by its settings, is undone, and is kept over a reload', async () => {
  const { panel, document, edits, until, undo } = await opened();
  const model = await document.model();
  panel.send({ type: 'control', label: 'Sketch', patch: line });
  await until(() => model.controlled);
  panel.send({ type: 'apply', draft });
  const [steering, ...others] = (await until(() => edits[0])).controls ?? [];
  const { image, ...settings } = steering!;
  assert.deepEqual(settings, { model: 'net', hint: 'canny', strength: 0.5, start: 0, end: 0.5 });
  assert.deepEqual([drawnIn(image), others], [{ left: 5, top: 6, width: 2, height: 1 }, []]);
  await until(() => (document.state.run ? undefined : true));

  const reloaded = await opened(readBackup(await document.backup()));
  assert.deepEqual((await reloaded.document.model()).control, model.control);
  reloaded.panel.dispose();

  // The edit, then the line.
  await undo();
  await undo();
  assert.equal(model.controlled, undefined);
  panel.send({ type: 'apply', draft });
  assert.equal((await until(() => edits[1])).controls, undefined, 'an empty layer steers nothing');
  panel.dispose();
});

test('an edit begins with painted colours, which it takes; all of the image is painted where that is asked', async () => {
  const { panel, document, edits, until, undo } = await opened();
  const model = await document.model();
  const paint = { left: 5, top: 6, width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 255, 0, 0, 255, 99) };
  panel.send({ type: 'colours', label: 'Paint Colour', patch: paint });
  await until(() => model.coloured);
  panel.send({ type: 'apply', draft: { ...draft, way: 'mask' } });
  const { colours, mask } = await until(() => edits[0]);
  assert.deepEqual([cut(colours as Raster, paint), mask], [paint, undefined]);
  await until(() => (document.state.run ? undefined : true));
  assert.deepEqual([model.coloured, document.state.canReselect], [undefined, true]);
  assert.equal(model.edits[0]!.label, 'Paint “a house”');

  panel.send({ type: 'reselect' });
  await until(() => model.coloured);
  const reloaded = await opened(readBackup(await document.backup()));
  assert.deepEqual((await reloaded.document.model()).colours, model.colours);
  reloaded.panel.dispose();

  panel.send({ type: 'apply', draft });
  const whole = await until(() => edits[1]);
  assert.ok((whole.mask as Raster).data.every((value) => value === 255) && whole.colours);
  await until(() => (document.state.run ? undefined : true));
  panel.send({ type: 'runAgain', id: model.edits[0]!.id });
  assert.deepEqual(cut((await until(() => edits[2])).colours as Raster, paint), paint);
  await until(() => (document.state.run ? undefined : true));
  for (let i = 0; i < 6; i++) await undo();
  assert.deepEqual([model.coloured, model.edits.length], [undefined, 0]);
  panel.dispose();
});

test('a layer that is switched off steers nothing; one that is extended stays where it is', async () => {
  const { panel, document, edits, until } = await opened();
  const model = await document.model();
  panel.send({ type: 'control', label: 'Sketch', patch: line });
  await until(() => model.controlled);
  panel.send({ type: 'apply', draft: { ...draft, control: { ...control, on: false } } });
  assert.equal((await until(() => edits[0])).controls, undefined);
  await until(() => (document.state.run ? undefined : true));
  const extension = { left: 8, top: 0, right: 0, bottom: 16 };
  panel.send({ type: 'apply', draft: { ...draft, way: 'extend', extension } });
  const [steering] = (await until(() => edits[1])).controls!;
  const { width, height } = steering!.image as Raster;
  assert.deepEqual([width, height], [SIDE + 8, SIDE + 16]);
  assert.deepEqual(drawnIn(steering!.image), { left: 13, top: 6, width: 2, height: 1 });
  panel.dispose();
});

test('an image becomes the control layer, scaled to the picture; what is no image is refused', async () => {
  const { panel, document, until } = await opened();
  const model = await document.model();
  const image = await sharp({ create: { width: 40, height: 8, channels: 3, background: '#f80' } })
    .png()
    .toBuffer();
  panel.send({ type: 'giveControl', name: 'orange.png', bytes: new Uint8Array(image) });
  assert.deepEqual(await until(() => model.controlled), { left: 0, top: 0, width: SIDE, height: SIDE });
  assert.deepEqual([...model.control.data.subarray(0, 3)], [255, 136, 0]);
  panel.send({ type: 'giveControl', name: 'notes.txt', bytes: Uint8Array.of(1, 2, 3) });
  const failure = await until(() => document.state.failure);
  assert.match(failure.message, /^notes\.txt is not an image/);
  panel.dispose();
});

test('a reference is seen where the mask was, which stays; a name that is not kept is reported', async () => {
  const { panel, document, edits, until, received } = await opened();
  const model = await document.model();
  const row = { ...place, field: 'picture', at: -1 } as const;
  panel.send({ type: 'give', place: row, name: 'notes.txt', bytes: Uint8Array.of(1, 2, 3) });
  assert.match((await until(() => document.state.failure)).message, /^notes\.txt is not an image/);
  panel.send({ type: 'give', place: row, name: 'seen.png', bytes: new Uint8Array(png) });
  const { value } = await received('chosen');
  panel.send({ type: 'mask', label: 'Brush', patch: stroke });
  panel.received.length = 0;
  panel.send({ type: 'giveMask', place });
  const { value: mask } = await received('chosen');
  assert.ok(model.masked, 'the mask is not taken');
  const reference = { picture: value!, strength: 0.5, mask: mask!, on: true };
  const additions = { ...NO_ADDITIONS, references: [reference], referenceModel: 'ip' };
  panel.send({ type: 'apply', draft: { ...draft, additions } });
  const { references, referenceModel } = await until(() => edits[0]);
  assert.deepEqual([references?.[0]?.strength, referenceModel], [0.5, 'ip']);
  assert.ok(references?.[0]?.mask instanceof Uint8Array);

  await until(() => (document.state.run ? undefined : true));
  const gone = { ...additions, references: [{ ...reference, picture: 'f'.repeat(64) }] };
  panel.send({ type: 'apply', draft: { ...draft, additions: gone } });
  const failure = await until(() => document.state.failure);
  assert.match(failure.message, /is no longer available/);
  panel.dispose();
});
