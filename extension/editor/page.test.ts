import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { EditRequest } from '../../shared/api.ts';
import { EMPTY_DRAFT } from '../../shared/editorProtocol.ts';
import type { Raster } from '../../shared/raster.ts';
import { heldSegmenter } from './testing/heldSegmenter.ts';

const { Uri } = await import('../../test/support/vscode/stub.ts');
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
async function opened() {
  const { segment, answers } = heldSegmenter(SIDE);
  const edits: EditRequest[] = [];
  const engine = { ...checkingEngine(new Uint8Array(png), (request) => edits.push(request)), segment };
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
