import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { temporaryFolder } from '../../engine/weights/testing.ts';
import type { PictureInfo } from '../../shared/gallery.ts';
import { recipeOf, resultOf } from '../../shared/testing.ts';
import type { ViewState } from '../../shared/viewProtocol.ts';
import { checkingEngine, servicesIn } from '../../test/support/vscode/services.ts';

const { panels } = await import('../../test/support/vscode/stub.ts');
const { ImageView } = await import('./view.ts');

test('of images that are asked for one after the other the last one is shown', async () => {
  const size = { width: 16, height: 16 };
  const png = await sharp({ create: { ...size, channels: 3, background: '#808080' } })
    .png()
    .toBuffer();
  const services = servicesIn(await temporaryFolder(), checkingEngine(png));
  const add = (prompt: string) =>
    services.gallery.add(
      { prompt },
      { ...resultOf(recipeOf({ prompt, ...size })), picture: { png, ...size } },
    );
  const [house, boat] = [await add('a house'), await add('a boat')];
  const view = ImageView.show(services);
  const panel = panels.at(-1)!;
  panel.send({ type: 'ready' });
  let find = (_: PictureInfo) => {};
  const slow = view.show(
    new Promise((resolve) => {
      find = resolve;
    }),
  );
  await view.show(boat);
  find(house);
  await slow;
  const state = panel.received.findLast(({ type }) => type === 'state')?.state as ViewState;
  assert.equal(state.shown, boat.id);
  panel.dispose();
});
