import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { catalogueEntry } from '../../engine/models/catalogue.ts';
import { writeCheckpoint } from '../support/checkpoints.ts';
import { cutAfter, type Hub, startHub } from '../support/hub.ts';
import { EditorUnderTest } from './editorPage.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { textChunks } from './picture.ts';

const ID = 'nota-ai/bk-sdm-tiny';
const UNET = 'unet/diffusion_pytorch_model.safetensors';
const PROMPT = 'a red house by a lake';

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'patchwork-e2e-models-'));
const cache = path.join(home, 'cache');
let hub: Hub;
let vscode: Workbench;

before(async () => {
  await writeCheckpoint(path.join(home, 'bk'), 'bk-sdm-tiny');
  const commit = catalogueEntry(ID)!.revision;
  hub = await startHub({ [ID]: { folder: path.join(home, 'bk'), licence: 'creativeml-openrail-m', commit } });
  const HF_TOKEN = '';
  vscode = await openWorkbench({ HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, HF_TOKEN });
});
after(async () => {
  await vscode?.close();
  await hub?.close();
  fs.rmSync(home, { recursive: true, force: true });
});

async function choose(row: string): Promise<void> {
  await vscode.run('Patchwork: Manage Models…');
  await vscode.page.getByPlaceholder('Choose a model, or download one').fill(row);
  await vscode.page.locator('.quick-input-list .monaco-list-row', { hasText: row }).first().click();
}

async function answer(button: string): Promise<string> {
  const dialog = vscode.page.locator('.monaco-dialog-box');
  await dialog.waitFor();
  const text = (await dialog.textContent()) ?? '';
  await vscode.screenshot(`models-${button.toLowerCase()}`);
  await dialog.getByRole('button', { name: button, exact: true }).click();
  return text;
}

const told = (text: string) => vscode.page.locator('.notifications-toasts', { hasText: text }).first();

test('from an empty cache: fetched with a cut in the middle, drawn and edited with, removed', async () => {
  try {
    await story();
  } catch (error) {
    await vscode.screenshot('models-failed');
    throw error;
  }
});

async function story(): Promise<void> {
  // The connection breaks in the middle of the weights, and the hub is gone for good after that.
  hub.fault = cutAfter(UNET, 30_000);
  await choose(ID);
  assert.match(await answer('Cancel'), /Licence: creativeml-openrail-m/);
  assert.ok(!hub.requests.some(({ file }) => file), 'nothing is fetched without a yes');
  await choose(ID);
  await answer('Download');
  await told(`Downloading ${ID}`).waitFor();
  await told('continues where it stopped').waitFor();
  await vscode.screenshot('models-cut');

  hub.fault = () => undefined;
  hub.requests.length = 0;
  await choose(ID);
  assert.match(await answer('Download'), /of which are here/);
  await told(`Model set to ${ID}`).waitFor();
  const weights = hub.requests.find(({ file, path }) => file === UNET && !path.includes('/resolve/'));
  assert.match(weights?.range ?? '', /^bytes=[1-9]/);

  await vscode.set('patchwork.steps', 2);
  await vscode.run('Patchwork: Generate Image…');
  await vscode.page.getByPlaceholder('What should the image show?').fill(PROMPT);
  await vscode.page.locator('.quick-input-list .monaco-list-row', { hasText: PROMPT }).waitFor();
  await vscode.page.keyboard.press('Enter');
  await vscode.view.locator(`img.picture[alt="${PROMPT}"]`).waitFor();
  assert.match((await vscode.view.locator('dl').textContent()) ?? '', new RegExp(ID));
  await vscode.screenshot('models-drawn');

  // An edit of a picture by the same model.
  const sky = { create: { width: 128, height: 128, channels: 3, background: '#8bd' } } as const;
  await sharp(sky).png().toFile(path.join(vscode.workspace, 'sky.png'));
  const editor = new EditorUnderTest(vscode);
  await editor.open('sky.png');
  await editor.drag([
    [0.4, 0.5],
    [0.6, 0.5],
  ]);
  await editor.prompt('a yellow balloon');
  await editor.apply();
  await editor.notice('Edit applied.');
  await editor.save();
  const saved = () => textChunks(fs.readFileSync(path.join(vscode.workspace, 'sky.png'))).parameters ?? '';
  await until(() => saved().includes(`Model: ${ID}`), 'the recipe in the saved picture');

  await vscode.run('Patchwork: Manage Models…');
  const row = vscode.page.locator('.quick-input-list .monaco-list-row', { hasText: ID }).first();
  assert.match((await row.textContent()) ?? '', /active/);
  await vscode.screenshot('models-list');
  await row.hover();
  await row.locator('.codicon-trash').click();
  await answer('Remove');
  await told(`${ID} was removed`).waitFor();
  assert.ok(!fs.existsSync(path.join(cache, 'models--nota-ai--bk-sdm-tiny')));
  assert.deepEqual(vscode.violations, []);
}
