import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { isAbort } from '../../engine/errors.ts';
import { heldSegmenter } from './testing/heldSegmenter.ts';

const { Uri } = await import('../../test/support/vscode/stub.ts');
const { checkingEngine, servicesIn } = await import('../../test/support/vscode/services.ts');
const { PictureDocument } = await import('./document.ts');
const { Selecting } = await import('./selecting.ts');

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-selecting-'));
after(() => rm(folder, { recursive: true, force: true }));
const png = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#4a8' } })
  .png()
  .toBuffer();
await writeFile(path.join(folder, 'field.png'), png);

/** An editor whose segmenter answers when the test says so. */
async function opened() {
  const { segment, answers } = heldSegmenter(16);
  const services = servicesIn(folder, { ...checkingEngine(new Uint8Array(png)), segment });
  const uri = Uri.file(path.join(folder, 'field.png')) as never;
  const document = await PictureDocument.open(uri, services.log);
  const selecting = new Selecting(services, document);
  const click = () => selecting.select({ points: [{ x: 1, y: 1, include: true }] }, 'replace');
  const says = async (what: string | undefined) => {
    while (document.state.selecting !== what) await sleep(5);
  };
  return { document, services, selecting, click, says, answers };
}

test('a click that takes a while says so, and then masks', async () => {
  const { document, click, says, answers } = await opened();
  const clicked = click();
  await says('now');
  answers[0]!();
  await clicked;
  assert.equal(document.state.selecting, undefined);
  assert.ok((await document.model()).masked);
  document.dispose();
});

test('a click behind other work says that it waits, and is cancelled at once', async () => {
  const { document, services, selecting, click, says } = await opened();
  const work = services.engine.upscale({ image: new Uint8Array(png), model: 'm' }).catch(() => {});
  const clicked = click();
  await says('later');
  selecting.cancel();
  await assert.rejects(clicked, isAbort);
  assert.equal(document.state.selecting, undefined);
  assert.ok(!(await document.model()).masked);
  await work;
  document.dispose();
});
