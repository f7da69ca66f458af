import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { writeSingleFile } from '../support/single-file.ts';
import { openWorkbench, type Workbench } from './harness.ts';
import { storyIn } from './story.ts';

const PROMPT = 'a red house by a lake';

let vscode: Workbench;
const step = storyIn(() => vscode);
const told = (text: string) => vscode.page.locator('.notifications-toasts', { hasText: text }).first();
const row = (text: string) =>
  vscode.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();

before(async () => {
  vscode = await openWorkbench();
  await writeSingleFile(path.join(vscode.workspace, 'toy.safetensors'));
});
after(() => vscode?.close());

step('a file of the explorer is used as the model, and draws', async () => {
  await vscode.inHost((host) => host.commands.executeCommand('workbench.view.explorer'));
  // The explorer may have been filled before the file was whole.
  await vscode.inHost((host) => host.commands.executeCommand('workbench.files.action.refreshFilesExplorer'));
  const file = vscode.page.locator('.explorer-folders-view .monaco-list-row', {
    hasText: /^toy\.safetensors$/,
  });
  await file.click({ button: 'right' });
  await vscode.page.getByRole('menuitem', { name: 'Use as Model' }).waitFor();
  await vscode.screenshot('single-file-menu');
  await vscode.page.getByRole('menuitem', { name: 'Use as Model' }).click();
  await told('Model set to toy.safetensors').waitFor();
  await vscode.set('patchwork.steps', 2);
  await vscode.set('patchwork.size', '64x64');
  await vscode.run('Patchwork: Generate Image…');
  await vscode.page.getByPlaceholder('What should the image show?').fill(PROMPT);
  await row(PROMPT).waitFor();
  await vscode.page.keyboard.press('Enter');
  await vscode.view.locator(`img.picture[alt="${PROMPT}"]`).waitFor();
  assert.match((await vscode.view.locator('dl').textContent()) ?? '', /toy/);
  await vscode.screenshot('single-file-drawn');
});

step('folders of other tools are shown in Manage Models…, and their files are used from there', async () => {
  const tool = path.join(path.dirname(vscode.workspace), 'ComfyUI');
  const models = path.join(tool, 'models');
  await writeSingleFile(path.join(models, 'checkpoints/dreams.safetensors'));
  await writeSingleFile(path.join(models, 'vae/soft.safetensors'), ['denoiser', 'text-encoder']);
  fs.mkdirSync(path.join(models, 'text_encoders'));
  fs.writeFileSync(path.join(models, 'text_encoders/qwen3.gguf'), '');
  fs.mkdirSync(path.join(models, 'loras'));
  fs.writeFileSync(path.join(models, 'loras/pixels.safetensors'), '');
  await vscode.set('patchwork.modelFolders', [tool]);
  const choose = async (text: string) => {
    await vscode.run('Patchwork: Manage Models…');
    await vscode.page.getByPlaceholder('Choose a model, or download one').fill(text);
    await row(text).waitFor();
  };
  await choose('pixels.safetensors');
  assert.match((await row('pixels.safetensors').textContent()) ?? '', /LoRA/);
  await vscode.page.keyboard.press('Escape');
  await choose('qwen3.gguf');
  await row('qwen3.gguf').click();
  await told("qwen3.gguf takes the place of a model's own text encoder").waitFor();
  await vscode.set('patchwork.textEncoder', undefined);
  await choose('soft.safetensors');
  await row('soft.safetensors').click();
  await told("soft.safetensors takes the place of the model's own autoencoder").waitFor();
  await choose('dreams.safetensors');
  await vscode.screenshot('model-folders');
  await row('dreams.safetensors').click();
  await told('Model set to dreams.safetensors').waitFor();
  await vscode.run('Patchwork: Manage Models…');
  await vscode.page.getByPlaceholder('Choose a model, or download one').fill('dreams');
  assert.match((await row('dreams.safetensors').textContent()) ?? '', /active/);
  await vscode.page.keyboard.press('Escape');
  assert.deepEqual(vscode.violations, []);
});
