import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { CallOptions, EditProgress, EditRequest, EditResult } from '../../shared/api.ts';
import { EMPTY_DRAFT } from '../../shared/editorProtocol.ts';

const { Uri } = await import('../../test/support/vscode/stub.ts');
const { checkingEngine, servicesIn } = await import('../../test/support/vscode/services.ts');
const { PictureDocument } = await import('./document.ts');
const { Painting } = await import('./painting.ts');

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-variations-'));
after(() => rm(folder, { recursive: true, force: true }));
const png = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#4a8' } })
  .png()
  .toBuffer();
await writeFile(path.join(folder, 'field.png'), png);

/**
 * An editor whose engine gives results of one grey each, and never the one after `most`.
 * @param finishing called, and waited for, when a result is about to come
 */
async function opened(most: number, finishing: () => unknown = () => {}) {
  const engine = checkingEngine(new Uint8Array(png));
  let begun = 0;
  let stuck = () => {};
  const reached = new Promise<void>((resolve) => {
    stuck = resolve;
  });
  const edit = async (request: EditRequest, options?: CallOptions<EditProgress>): Promise<EditResult> => {
    if (begun === most)
      await new Promise((_, reject) => {
        options!.signal!.addEventListener('abort', () => reject(options!.signal!.reason));
        stuck();
      });
    options?.onProgress?.({ stage: 'encode', step: 0, steps: 10 });
    const result = await engine.edit(request);
    await finishing();
    result.pixels!.data.fill(++begun);
    const stepSeconds = Array<number>(10).fill(2);
    return { ...result, stepSeconds, seconds: 20.5, recipe: { ...result.recipe, seed: request.seed! } };
  };
  const services = servicesIn(folder, { ...engine, edit });
  const uri = Uri.file(path.join(folder, 'field.png')) as never;
  const document = await PictureDocument.open(uri, services.log);
  return { document, painting: new Painting(services, document), reached };
}

const draft = {
  ...EMPTY_DRAFT,
  way: 'all',
  prompt: 'a house',
  seed: '7',
  seedLocked: true,
  variations: 3,
} as const;
const page = { post() {} };

test('the variation that is picked becomes the edit, the others stay with it', async () => {
  const { document, painting } = await opened(3);
  await painting.apply(draft, page);
  const [, second] = document.state.variations;
  await painting.pick(second!.id);
  const model = await document.model();
  assert.equal(model.pixels.data[0], 2);
  const [edit] = model.edits;
  assert.deepEqual(
    [edit!, ...edit!.others!].map(({ about }) => about?.recipe.seed),
    [8, 7, 9],
  );
  await document.varyEdit(edit!.id, edit!.others![1]!.id);
  assert.equal(model.pixels.data[0], 3);
  assert.equal(model.lastPainted?.about?.recipe.seed, 9, 'the recipe that the file is saved with');
  document.dispose();
});

test('a variation that is picked while others are painted ends the run and is the edit', async () => {
  const { document, painting, reached } = await opened(2);
  const run = painting.apply(draft, page);
  await reached;
  await painting.pick(document.state.variations[0]!.id);
  await run;
  const model = await document.model();
  assert.equal(model.pixels.data[0], 1);
  assert.deepEqual(
    model.edits.map(({ others }) => others?.length),
    [1],
  );
  assert.deepEqual(document.state.variations, []);
  assert.equal(document.state.notice, 'Edit applied.');
  document.dispose();
});

test('the second edit of a kind says how long it takes before its first step', async () => {
  // Progress is shown a little later.
  const { document, painting } = await opened(9, () => sleep(400));
  const seen: (number | undefined)[] = [];
  const { update } = document;
  document.update = (change) => {
    if (change.run?.stage === 'encode') seen.push(change.run.remaining);
    update.call(document, change);
  };
  for (const seed of ['1', '2']) await painting.apply({ ...draft, seed, variations: 1 }, page);
  assert.deepEqual(seen, [undefined, 20.5]);
  document.dispose();
});

test('cancelling as the result comes leaves the picture as it is', async () => {
  const { document, painting } = await opened(9, () => setTimeout(() => painting.cancel()));
  await painting.apply({ ...draft, variations: 1 }, page);
  assert.equal(document.state.notice, 'Cancelled.');
  assert.equal((await document.model()).edits.length, 0);
  document.dispose();
});
