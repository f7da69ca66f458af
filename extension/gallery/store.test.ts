import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import sharp from 'sharp';
import type { GenerateResult } from '../../shared/api.ts';
import { recipeOf, resultOf } from '../../shared/testing.ts';
import { Gallery } from './store.ts';

let home: string;
let limit = 0;
let gallery: Gallery;
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'patchwork-gallery-'));
  limit = 0;
  gallery = open();
});
afterEach(() => fs.rmSync(home, { recursive: true }));

const open = () => new Gallery(path.join(home, 'pictures'), () => limit);

async function made(prompt: string, side = 64): Promise<GenerateResult> {
  const create = { width: side, height: side, channels: 3, background: '#c33' } as const;
  const png = await sharp({ create }).png({ compressionLevel: 0 }).toBuffer();
  return {
    picture: { png, width: side, height: side },
    ...resultOf(recipeOf({ prompt, width: side, height: side })),
  };
}

async function add(prompt: string, side?: number) {
  // Images are sorted by the millisecond.
  await new Promise((resolve) => setTimeout(resolve, 2));
  return await gallery.add({ prompt }, await made(prompt, side));
}

const prompts = async () => (await gallery.list()).map(({ recipe }) => recipe.prompt);

test('images outlive the window that made them, with a thumbnail beside each', async () => {
  const first = await add('a house', 640);
  await add('a boat');
  gallery = open();
  assert.deepEqual(await prompts(), ['a boat', 'a house']);
  const { width } = await sharp(await gallery.thumbnail(first.id)).metadata();
  assert.equal(width, 320);
  assert.deepEqual((await gallery.find(first.id))?.recipe.prompt, 'a house');
});

test('what another window adds or deletes is seen', async () => {
  const { id } = await add('a house');
  const other = open();
  assert.equal((await other.list()).length, 1);
  await gallery.delete([id]);
  assert.equal((await other.list()).length, 0);
});

test('an image that another window has deleted is said to be gone', async () => {
  const { id } = await add('a house');
  await open().delete([id]);
  await assert.rejects(gallery.bytes(id), /^InputError: This image is no longer in the gallery\./);
});

test('deleted images come back whole', async () => {
  const house = await add('a house');
  await add('a boat');
  const before = await gallery.bytes(house.id);
  await gallery.delete([house.id]);
  assert.deepEqual(await prompts(), ['a boat']);
  assert.deepEqual(
    (await gallery.deleted()).map(({ id }) => id),
    [house.id],
  );
  assert.equal((await gallery.usage()).deleted, 1);
  await gallery.restore([house.id]);
  assert.deepEqual(await prompts(), ['a boat', 'a house']);
  assert.deepEqual(await gallery.bytes(house.id), before);
  assert.equal((await gallery.usage()).deleted, 0);
});

test('beyond the limit deleted images go first, then the oldest; the newest stays', async () => {
  const oldest = await add('oldest');
  const deleted = await add('deleted');
  await add('newer');
  await gallery.delete([deleted.id]);
  const { bytes } = await gallery.usage();
  // The description of an image is a little longer with a longer prompt.
  limit = bytes + 50;
  await add('newest');
  assert.deepEqual(await prompts(), ['newest', 'newer', 'oldest']);
  assert.equal((await gallery.deleted()).length, 0);
  await add('one more');
  assert.deepEqual(await prompts(), ['one more', 'newest', 'newer']);
  assert.equal(await gallery.find(oldest.id), undefined);
  limit = 1;
  await add('alone');
  assert.deepEqual(await prompts(), ['alone']);
});

test('clearing removes everything, and the gallery still works', async () => {
  await gallery.delete([(await add('a house')).id]);
  await add('a boat');
  await gallery.clear();
  assert.deepEqual(await prompts(), []);
  assert.equal((await gallery.usage()).bytes, 0);
  await add('a tree');
  assert.deepEqual(await prompts(), ['a tree']);
});

test('images of earlier versions have neither a date nor a thumbnail', async () => {
  const { id } = await add('a house');
  const json = path.join(home, 'pictures', `${id}.json`);
  const { created: _, ...old } = JSON.parse(fs.readFileSync(json, 'utf8'));
  fs.writeFileSync(json, JSON.stringify(old));
  fs.rmSync(path.join(home, 'pictures', `${id}.webp`));
  gallery = open();
  const [info] = await gallery.list();
  assert.ok(info!.created > 0);
  assert.equal(await gallery.thumbnail(id), gallery.file(id));
});

test('damaged files hide no others, and no id leads out of the folder', async () => {
  await add('a house');
  fs.writeFileSync(path.join(home, 'pictures', '00000000-0000-0000-0000-000000000000.json'), '{');
  gallery = open();
  assert.deepEqual(await prompts(), ['a house']);
  assert.throws(() => gallery.file('../../x'), /No image has the id/);
});

test('files of file managers are no images, also where the gallery is full', async () => {
  const deleted = await add('deleted');
  await gallery.delete([deleted.id]);
  const folder = path.join(home, 'pictures');
  for (const place of [folder, path.join(folder, 'deleted')])
    for (const name of ['.DS_Store', 'desktop.ini', `._${deleted.id}.json`, 'notes.json'])
      fs.writeFileSync(path.join(place, name), 'x'.repeat(1000));
  limit = 1;
  await add('a house');
  assert.deepEqual(await prompts(), ['a house']);
  assert.deepEqual(await gallery.deleted(), []);
  assert.equal((await gallery.usage()).deleted, 0);
  assert.ok(fs.existsSync(path.join(folder, 'deleted', '.DS_Store')));
});

test('an image is kept also if others cannot be removed', async () => {
  const { id } = await add('a house');
  // A folder in the place of a file.
  fs.rmSync(path.join(home, 'pictures', `${id}.webp`));
  fs.mkdirSync(path.join(home, 'pictures', `${id}.webp`));
  limit = 1;
  const boat = await add('a boat');
  assert.equal((await gallery.find(boat.id))?.recipe.prompt, 'a boat');
});

test('tells of each change', async () => {
  let changes = 0;
  const end = gallery.onDidChange(() => changes++);
  const { id } = await add('a house');
  await gallery.delete([id]);
  assert.equal(changes, 2);
  end();
  await gallery.restore([id]);
  assert.equal(changes, 2);
});
