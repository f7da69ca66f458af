import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import sharp from 'sharp';
import {
  writeCheckpoint,
  writeControlModels,
  writeLora,
  writeReferenceModel,
  writeTrainedWord,
} from '../support/checkpoints.ts';
import { EditorUnderTest } from './editorPage.ts';
import { openWorkbench, type Workbench } from './harness.ts';
import { pictureFacts } from './picture.ts';
import { storyIn } from './story.ts';
import { ViewUnderTest } from './viewPage.ts';

const CAT = path.resolve(import.meta.dirname, '../fixtures/scenes/cat.png');

let vscode: Workbench;
let view: ViewUnderTest;
const step = storyIn(() => vscode);
const row = (text: string) =>
  vscode.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
/** A list of the form, opened. */
const list = (name: string) => vscode.view.locator(`[data-list=${name}]`);
const at = (name: string) => vscode.view.locator(`[data-row=${name}]`);

async function open(name: string): Promise<void> {
  if (!(await list(name).evaluate((details: HTMLDetailsElement) => details.open)))
    await list(name).locator('summary').click();
}

/** The file of the image that the view shows. */
async function shown(): Promise<Buffer> {
  const id = await vscode.view.locator('img.picture').getAttribute('data-id');
  return fs.readFileSync(path.join(vscode.globalStorage(), 'pictures', `${id}.png`));
}

async function generated(prompt: string): Promise<string> {
  await view.fill({ prompt });
  await view.generate();
  await view.shows(prompt);
  return (await pictureFacts(await shown())).hash;
}

before(async () => {
  vscode = await openWorkbench();
  view = new ViewUnderTest(vscode);
  const tool = path.join(path.dirname(vscode.workspace), 'ComfyUI');
  const models = path.join(tool, 'models');
  const checkpoint = path.join(models, 'diffusers/tiny');
  await writeCheckpoint(checkpoint, 'sd15');
  await writeLora(path.join(models, 'loras/ink.safetensors'), {
    'modelspec.trigger_phrase': 'ink drawing, black lines',
  });
  await writeTrainedWord(path.join(models, 'embeddings/moody.safetensors'));
  await writeControlModels(path.join(models, 'controlnet'));
  await writeReferenceModel(path.join(models, 'ipadapter'));
  await vscode.set('patchwork.modelFolders', [tool]);
  await vscode.set('patchwork.model', checkpoint);
  await vscode.set('patchwork.steps', 2);
  await vscode.set('patchwork.size', '64x64');
});
after(() => vscode?.close());

let plain: string;

step('a LoRA is added, its trigger words are inserted by a click, and it can be switched off', async () => {
  await view.open();
  await view.fill({ seed: '7' });
  plain = await generated('a house');
  await open('loras');
  await list('loras').locator('[data-action=add-loras]').click();
  await row('ink.safetensors').click();
  await at('loras-0').locator('[data-action=insert-word]', { hasText: 'ink drawing' }).click();
  assert.equal(await vscode.view.locator('#prompt textarea').inputValue(), 'a house, ink drawing');
  const inked = await generated('a house');
  assert.notEqual(inked, plain);
  assert.equal(await view.recipe('LoRA'), 'ink at 1');
  await vscode.screenshot('lora');
  await at('loras-0').locator('[data-action=strength]').fill('0.5');
  await at('loras-0').locator('[data-action=strength]').blur();
  assert.notEqual(await generated('a house'), inked);
  assert.equal(await view.recipe('LoRA'), 'ink at 0.5');
  await at('loras-0').locator('[data-action=toggle]').click();
  assert.equal(await generated('a house'), plain);
});

step('a trained word that a prompt names changes the image; one that is not here is a warning', async () => {
  const named = await generated('a house, embedding:moody');
  assert.notEqual(named, plain);
  assert.equal(await vscode.view.locator('[data-test=warnings]').count(), 0);
  await generated('a house, embedding:moody, embedding:gone');
  const warning = vscode.view.locator('[data-test=warnings]');
  await warning.waitFor();
  const told = (await warning.textContent()) ?? '';
  assert.match(told, /embedding:gone/);
  assert.doesNotMatch(told, /moody/);
  await vscode.screenshot('embedding-missing');
});

step('an image that is dropped on the references is seen by the IP-Adapter that is chosen once', async () => {
  const bytes = fs.readFileSync(CAT);
  await list('references').evaluate((well, base64) => {
    const data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([data], 'cat.png'));
    well.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  }, bytes.toString('base64'));
  await at('references-0').waitFor();
  await vscode.view.locator('[data-test=hindrance]', { hasText: 'Choose the IP-Adapter' }).waitFor();
  await vscode.view.locator('[data-action=model-references]').click();
  await row('ip-adapter.safetensors').click();
  await vscode.view.locator('[data-test=hindrance]').waitFor({ state: 'detached' });
  // The recipe of the dropped image is left alone.
  assert.equal(
    await view.view.locator('#prompt textarea').inputValue(),
    'a house, embedding:moody, embedding:gone',
  );
  const seen = await generated('a house');
  assert.notEqual(seen, plain);
  assert.equal(await view.recipe('Reference'), 'ip-adapter at 0.6');
  await at('references-0')
    .locator('img')
    .evaluate((image: HTMLImageElement) => image.decode());
  await vscode.screenshot('reference');
  await at('references-0').locator('[data-action=toggle]').click();
  assert.equal(await generated('a house'), plain);
});

step('a control image is chosen with its model, drawn as edges, and steers', async () => {
  await open('controls');
  await list('controls').locator('[data-action=add-controls]').click();
  await vscode.answerDialog(CAT);
  await at('controls-0').locator('[data-action=model-controls]').click();
  await row('A Folder on This Machine').click();
  const models = path.join(path.dirname(vscode.workspace), 'ComfyUI/models');
  await vscode.answerDialog(path.join(models, 'controlnet/controlnet'));
  await at('controls-0').locator('[data-action=hint]').selectOption('canny');
  await at('controls-0').locator('[data-action=end]').fill('50');
  await at('controls-0').locator('[data-action=end]').blur();
  const steered = await generated('a house');
  assert.notEqual(steered, plain);
  assert.equal(await view.recipe('Control'), 'canny, controlnet at 1, 0 % to 50 % of the steps');
  await vscode.screenshot('control');
  // Another seed is steered the same way, and a recipe brings the rows back.
  await vscode.view.locator('[data-action=again]').click();
  await view.idle();
  await at('controls-0').locator('[data-action=remove]').click();
  await vscode.view.locator('[data-action=useRecipe]').click();
  await at('controls-0').waitFor();
  assert.deepEqual(vscode.violations, []);
});

step('in the editor a sketch that is drawn with the brush controls an edit', async () => {
  const editor = new EditorUnderTest(vscode);
  await sharp({ create: { width: 64, height: 64, channels: 3, background: '#4a8' } })
    .png()
    .toFile(path.join(vscode.workspace, 'field.png'));
  await editor.open('field.png');
  const repaint = async () => {
    await editor.apply();
    await editor.idle();
    await editor.notice('Edit applied.');
    const pixels = await editor.pixels('current');
    await editor.press('undo');
    return pixels.toString('base64');
  };
  await editor.press('way-all');
  await editor.prompt('a house');
  await vscode.view.locator('#seed input').fill('7');
  const free = await repaint();
  await editor.drag([
    [0.2, 0.8],
    [0.5, 0.2],
    [0.8, 0.8],
  ]);
  await open('controls');
  await editor.press('sketch');
  await at('controls-0').waitFor();
  assert.ok(!(await editor.masked()).includes(true), 'the mask is empty again');
  // The model that was used last is taken.
  await at('controls-0').locator('[data-action=model-controls]', { hasText: 'controlnet' }).waitFor();
  await at('controls-0').scrollIntoViewIfNeeded();
  await vscode.screenshot('sketch');
  assert.notEqual(await repaint(), free);
  await at('controls-0').locator('[data-action=edit-sketch]').click();
  await vscode.view.locator('[data-action=clear]:not([disabled])').waitFor();
  assert.ok((await editor.masked()).includes(true), 'the sketch is the mask, to be drawn on');
  assert.deepEqual(vscode.violations, []);
});
