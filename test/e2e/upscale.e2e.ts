import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import sharp from 'sharp';
import { EditorUnderTest } from './editorPage.ts';
import { openWorkbench, type Workbench } from './harness.ts';
import { textChunks } from './picture.ts';
import { storyIn } from './story.ts';
import { PICTURE, ViewUnderTest } from './viewPage.ts';

const PROMPT = 'a red house by a lake';
const FIXTURES = path.resolve(import.meta.dirname, '../fixtures/upscalers');

let vscode: Workbench;
let view: ViewUnderTest;
const step = storyIn(() => vscode);
const row = (text: string) =>
  vscode.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
const sizeOf = async (file: string) => {
  const { width, height } = await sharp(file).metadata();
  return [width, height];
};
/** Waits until a file is written and, as the last thing, opened. */
const shown = async (name: string) => {
  await vscode.page.locator('.tab.active', { hasText: name }).waitFor({ timeout: PICTURE });
  return path.join(vscode.workspace, name);
};

before(async () => {
  vscode = await openWorkbench();
  view = new ViewUnderTest(vscode);
});
after(() => vscode?.close());

step('where no upscaler is here, the list says so, and a file of one is taken', async () => {
  await view.open();
  await view.fill({ prompt: PROMPT, steps: '2' });
  await view.generate();
  await view.shows(PROMPT);
  await vscode.view.locator('[data-action=upscale]').click();
  await row('Where to Get One').waitFor();
  await vscode.page.getByPlaceholder('No upscaler was found').waitFor();
  await vscode.screenshot('upscale-none');
  await row('A File on This Machine').click();
  await vscode.answerDialog(path.join(FIXTURES, 'compact-x2.safetensors'));
  await row('2 ×').waitFor();
  await vscode.screenshot('upscale-scale');
  await row('2 ×').click();
  await view.notice('Upscaled to 512 × 512 pixels');
  assert.match((await view.recipe('Upscaled')) ?? '', /2 ×, 512 × 512, by compact-x2/);
  assert.equal(await vscode.view.locator('.thumbnail').count(), 2);
  await vscode.screenshot('upscaled');
});

step(
  'an image file of the explorer gets a larger one beside it, by an upscaler of patchwork.modelFolders',
  async () => {
    const tool = path.join(path.dirname(vscode.workspace), 'ComfyUI');
    const place = path.join(tool, 'models/upscale_models/quick-x4.safetensors');
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.copyFileSync(path.join(FIXTURES, 'compact-x4.safetensors'), place);
    await vscode.set('patchwork.modelFolders', [tool]);
    await sharp({ create: { width: 40, height: 24, channels: 3, background: '#36a' } })
      .png()
      .toFile(path.join(vscode.workspace, 'flag.png'));
    await vscode.inHost(
      async ({ commands, Uri }, file) => {
        void commands.executeCommand('patchwork.upscaleImage', Uri.file(file));
      },
      path.join(vscode.workspace, 'flag.png'),
    );
    await row('quick-x4').click();
    await row('4 ×').click();
    const larger = await shown('flag.larger.png');
    assert.deepEqual(await sizeOf(larger), [160, 96]);
    assert.match(textChunks(fs.readFileSync(larger)).postprocessing!, /upscale by: 4, .*upscaler: quick-x4/);
  },
);

step('the editor saves the image as it is there, larger, beside its file', async () => {
  const editor = new EditorUnderTest(vscode);
  await editor.open('flag.png');
  await editor.press('upscale');
  await row('quick-x4').click();
  await row('2 ×').click();
  const larger = await shown('flag.larger-2.png');
  assert.deepEqual(await sizeOf(larger), [80, 48]);
  await vscode.screenshot('upscale-editor');
  assert.deepEqual(vscode.violations, []);
});

step('a larger image gets detail: repainted lightly, in tiles, by the model of the settings', async () => {
  await vscode.inHost(
    async ({ commands, Uri }, file) => {
      void commands.executeCommand('patchwork.upscaleImage', Uri.file(file));
    },
    path.join(vscode.workspace, 'flag.png'),
  );
  await row('quick-x4').click();
  await row('4 × and Add Detail').waitFor();
  await vscode.screenshot('upscale-detail');
  await row('4 × and Add Detail').click();
  await vscode.page.locator('.quick-input-widget', { hasText: 'It guides the repaint' }).waitFor();
  await vscode.page.keyboard.type('a blue lake');
  await vscode.page.keyboard.press('Enter');
  const larger = await shown('flag.larger-3.png');
  assert.deepEqual(await sizeOf(larger), [160, 96]);
  assert.match(
    textChunks(fs.readFileSync(larger)).postprocessing!,
    /repaint: scenes, Postprocess repaint strength: 0\.3/,
  );
});

step('an upscaling that takes a while is seen in the queue, and is cancelled there', async () => {
  await sharp({ create: { width: 1500, height: 1000, channels: 3, background: '#36a' } })
    .png()
    .toFile(path.join(vscode.workspace, 'wide.png'));
  await vscode.inHost(
    async ({ commands, Uri }, file) => {
      void commands.executeCommand('patchwork.upscaleImage', Uri.file(file));
    },
    path.join(vscode.workspace, 'wide.png'),
  );
  await row('quick-x4').click();
  await row('4 ×').click();
  const told = vscode.page.locator('.notifications-toasts', { hasText: 'Enlarging: tile' }).first();
  await told.waitFor({ timeout: PICTURE });
  await vscode.screenshot('upscale-progress');
  await vscode.page.locator('.notifications-toasts').getByRole('button', { name: 'Cancel' }).first().click();
  await told.waitFor({ state: 'hidden' });
  assert.ok(!fs.existsSync(path.join(vscode.workspace, 'wide.larger.png')));
});
