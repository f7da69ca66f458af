/** Models from the hub in a browser: into the origin's private file system, with everything that can go wrong there. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { CDPSession } from 'playwright-core';
import type { Engine } from '../../shared/api.ts';
import { writeCheckpoint } from '../support/checkpoints.ts';
import { type Hub, startHub } from '../support/hub.ts';
import type { Download } from './hub-worker.ts';
import { bundled, openPage, skipReason, type TestPage, WITHOUT_NEWER } from './server.ts';
import { workIn } from './work.ts';

const ID = 'someone/tiny';
const UNET = 'unet/diffusion_pytorch_model.safetensors';

const skip = skipReason();
let folder: string;
let hub: Hub;
let browser: TestPage;
let tools: CDPSession;
let origin: string;

before(async () => {
  if (skip) return;
  folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-web-hub-'));
  await writeCheckpoint(folder, 'bk-sdm-tiny');
  hub = await startHub({ [ID]: { folder } });
  browser = await openPage(await bundled('page.ts'));
  tools = await browser.page.context().newCDPSession(browser.page);
  origin = await browser.page.evaluate(() => location.origin);
});
after(async () => {
  await browser?.close();
  await hub?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const download = (more: Partial<Download> = {}, before = '') =>
  workIn<{ sentences: string[]; folder?: string; told?: string }>(
    browser.page,
    'hub-worker.ts',
    { endpoint: hub.endpoint, id: ID, ...more },
    { before },
  );

/** What comes of generating with the model: nothing, or the sentence that the user is shown. */
const generated = () =>
  browser.page.evaluate(
    (model) =>
      (globalThis as unknown as { engine: Engine }).engine
        .generate({ prompt: 'a house', model, steps: 1, width: 64, height: 64, precision: 'fp32' })
        .then(
          () => '',
          ({ message }: Error) => message,
        ),
    ID,
  );

test('what is refused for want of storage or room is told, and nothing is fetched', { skip }, async () => {
  assert.match((await download({ refused: true })).told!, /keeps no files for this site/);
  assert.match(
    (await download({ quota: 50e6 })).told!,
    /lets this site keep another .* MB, and .* MB are needed/,
  );
  assert.equal(hub.requests.filter(({ file }) => file === UNET).length, 0);
});

test('a hub that cannot be reached is told in words that are true of a page', { skip }, async () => {
  const { told } = await download({ endpoint: 'http://127.0.0.1:9' });
  assert.match(
    told!,
    /^Can't reach 127\.0\.0\.1:9 .* this browser may reach it from this page, and try again\./,
  );
  assert.doesNotMatch(told!, /HTTPS_PROXY/);
});

test('a download that is cut, or fills the quota, continues where it stopped', { skip }, async () => {
  hub.fault = ({ file, path, range }) => {
    if (file !== UNET || path.includes('/resolve/')) return undefined;
    return { cut: range ? 0 : 30_000 };
  };
  // A busy browser loses what it has not read when the connection breaks.
  let told: string | undefined;
  for (let tries = 0; tries < 10 && !told?.includes('continues where it stopped'); tries++)
    ({ told } = await download());
  assert.match(told!, /continues where it stopped/);
  hub.fault = () => undefined;

  await tools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1e5 });
  assert.match((await download()).told!, /the storage quota is used up/);
  await tools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1e9 });

  hub.requests.length = 0;
  const { folder: snapshot, sentences, told: failure } = await download();
  assert.equal(failure, undefined);
  assert.match(sentences[0]!, /of which are here; the browser lets this site keep another/);
  assert.match(snapshot!, /^\/data\/hub\/models--someone--tiny\/snapshots\//);
  const weights = hub.requests.find(({ file, path }) => file === UNET && !path.includes('/resolve/'));
  assert.match(weights?.range ?? '', /^bytes=[1-9]/);
  assert.equal(await generated(), '');
});

test('without what other browsers got later, a model is fetched too', { skip }, async () => {
  hub.fault = () => undefined;
  await tools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
  const { sentences, folder: snapshot, told } = await download({}, `{${WITHOUT_NEWER}}`);
  assert.equal(told, undefined);
  assert.match(sentences[0]!, /the browser does not say how much this site may keep/);
  assert.match(snapshot!, /^\/data\/hub\//);
});

test('after the browser has evicted it, a model is missed in a sentence and can be fetched again', {
  skip,
}, async () => {
  hub.fault = () => undefined;
  await tools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
  await browser.page.evaluate(() => (globalThis as unknown as { engine: Engine }).engine.dispose());
  assert.match(await generated(), /someone\/tiny is not on this machine/);
  assert.equal((await download()).told, undefined);
  assert.equal(await generated(), '');
});
