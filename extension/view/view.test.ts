import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { temporaryFolder } from '../../engine/weights/testing.ts';
import type { PictureInfo } from '../../shared/gallery.ts';
import { recipeOf, resultOf } from '../../shared/testing.ts';
import type { ViewState } from '../../shared/viewProtocol.ts';
import { checkingEngine, servicesIn } from '../../test/support/vscode/services.ts';
import type { Services } from '../services.ts';

const { panels } = await import('../../test/support/vscode/stub.ts');
const { ImageView } = await import('./view.ts');

/** Services whose gallery makes grey images. */
async function withGallery() {
  const size = { width: 16, height: 16 };
  const png = await sharp({ create: { ...size, channels: 3, background: '#808080' } })
    .png()
    .toBuffer();
  const services = servicesIn(await temporaryFolder(), checkingEngine(png));
  const add = async (prompt: string) => {
    // Images are sorted by the millisecond.
    await sleep(2);
    const result = { ...resultOf(recipeOf({ prompt, ...size })), picture: { png, ...size } };
    return await services.gallery.add({ prompt }, result);
  };
  return { services, add };
}

/** The view, and the state that its page has. */
function opened(services: Services) {
  const view = ImageView.show(services);
  const panel = panels.at(-1)!;
  panel.send({ type: 'ready' });
  const state = () => panel.received.findLast(({ type }) => type === 'state')?.state as ViewState;
  return { view, panel, state };
}

test('of images that are asked for one after the other the last one is shown', async () => {
  const { services, add } = await withGallery();
  const [house, boat] = [await add('a house'), await add('a boat')];
  const { view, panel, state } = opened(services);
  let find = (_: PictureInfo) => {};
  const slow = view.show(
    new Promise((resolve) => {
      find = resolve;
    }),
  );
  await view.show(boat);
  find(house);
  await slow;
  assert.equal(state().shown, boat.id);
  panel.dispose();
});

test('an old image of the gallery is shown in a view that lists the latest ones, also in one that opens', async () => {
  const { services, add } = await withGallery();
  const oldest = await add('oldest');
  for (let i = 0; i < 25; i++) await add(`image ${i}`);
  const { view, panel, state } = opened(services);
  await view.show(oldest);
  assert.equal(state().shown, oldest.id);
  assert.ok(state().pictures.some(({ id }) => id === oldest.id));
  panel.dispose();
});
