import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { WebviewPanel } from 'vscode';
import { decodePicture } from '../../engine/pictures/read.ts';
import { NO_ADDITIONS, withChosen } from '../../shared/additions.ts';
import type { EditRequest } from '../../shared/api.ts';
import { type EditDraft, EMPTY_DRAFT } from '../../shared/editorProtocol.ts';

const { Panel, Uri } = await import('../../test/support/vscode/stub.ts');
const { checkingEngine, servicesIn } = await import('../../test/support/vscode/services.ts');
const { PictureDocument } = await import('./document.ts');
const { EditorPage } = await import('./page.ts');
const { Painting } = await import('./painting.ts');
const { Preparing } = await import('./preparing.ts');

const SIDE = 16;
const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-sketch-'));
after(() => rm(folder, { recursive: true, force: true }));
const png = await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#4a8' } })
  .png()
  .toBuffer();
await writeFile(path.join(folder, 'field.png'), png);

/** An editor of the image with a fake page: messages can be sent to it, and those it sends are recorded. */
async function opened() {
  const edits: EditRequest[] = [];
  const services = servicesIn(
    folder,
    checkingEngine(new Uint8Array(png), (request) => edits.push(request)),
  );
  const document = await PictureDocument.open(
    Uri.file(path.join(folder, 'field.png')) as never,
    services.log,
  );
  const panel = new Panel();
  const painting = new Painting(services, document);
  const preparing = new Preparing(services, document);
  new EditorPage(services, document, { painting, preparing }, panel as unknown as WebviewPanel);
  panel.send({ type: 'ready' });
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
  return { panel, document, edits, until, received };
}

const stroke = { left: 4, top: 6, width: 8, height: 2, data: new Uint8Array(16).fill(255) };
const place = { list: 'controls', field: 'picture', at: -1 } as const;
const draft: EditDraft = { ...EMPTY_DRAFT, way: 'all', prompt: 'a house', seed: '7', seedLocked: true };

test('what was painted with the brush steers an edit, white on black, and can be drawn on again', async () => {
  const { panel, document, edits, until, received } = await opened();
  const model = await document.model();
  panel.send({ type: 'mask', label: 'Brush', patch: stroke });
  panel.send({ type: 'giveMask', place });
  const { value } = await received('chosen');
  assert.equal(model.masked, undefined, 'the mask is empty again');

  const chosen = withChosen(NO_ADDITIONS, place, value!, 'net');
  panel.send({ type: 'apply', draft: { ...draft, additions: chosen } });
  const [control] = (await until(() => edits[0])).controls ?? [];
  assert.equal(control?.model, 'net');
  const { width, pixels } = await decodePicture(control!.image, 'The sketch');
  const at = (x: number, y: number) => [...pixels.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
  assert.deepEqual(
    [at(5, 6), at(5, 5)],
    [
      [255, 255, 255],
      [0, 0, 0],
    ],
  );

  panel.send({ type: 'maskOf', picture: value });
  const masked = await until(() => model.masked);
  assert.deepEqual([masked.left, masked.top, masked.width, masked.height], [4, 6, 8, 2]);
  panel.dispose();
});

test('a reference is seen where the mask was, which stays; a name that is not kept is reported', async () => {
  const { panel, document, edits, until, received } = await opened();
  const model = await document.model();
  panel.send({ type: 'give', place: { ...place, list: 'references' }, bytes: new Uint8Array(png) });
  const { value } = await received('chosen');
  panel.send({ type: 'mask', label: 'Brush', patch: stroke });
  panel.received.length = 0;
  panel.send({ type: 'giveMask', place: { list: 'references', field: 'mask', at: 0 } });
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
  assert.match(failure.message, /is not kept any more/);
  panel.dispose();
});
