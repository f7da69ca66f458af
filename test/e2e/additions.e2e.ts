import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { openWorkbench, type Workbench } from './harness.ts';
import { storyIn } from './story.ts';
import { ToolFolder } from './toolFolder.ts';

const CAT = path.resolve(import.meta.dirname, '../fixtures/scenes/cat.png');

let vscode: Workbench;
let tool: ToolFolder;
const step = storyIn(() => vscode);

before(async () => {
  vscode = await openWorkbench();
  tool = new ToolFolder(vscode);
  await tool.fill();
});
after(() => vscode?.close());

let plain: string;

step('a LoRA is added, its trigger words are inserted by a click, and it can be switched off', async () => {
  await tool.view.open();
  await tool.view.fill({ seed: '7' });
  plain = await tool.generated('a house');
  await tool.open('loras');
  await tool.list('loras').locator('[data-action=add-loras]').click();
  await tool.choice('ink.safetensors').click();
  await tool.row('loras-0').locator('[data-action=insert-word]', { hasText: 'ink drawing' }).click();
  assert.equal(await vscode.view.locator('#prompt textarea').inputValue(), 'a house, ink drawing');
  const inked = await tool.generated('a house');
  assert.notEqual(inked, plain);
  assert.equal(await tool.view.recipe('LoRA'), 'ink at 1');
  await vscode.screenshot('lora');
  await tool.setNumber('loras-0', 'strength', '0.5');
  assert.notEqual(await tool.generated('a house'), inked);
  assert.equal(await tool.view.recipe('LoRA'), 'ink at 0.5');
  await tool.row('loras-0').locator('[data-action=toggle]').click();
  assert.equal(await tool.generated('a house'), plain);
});

step('what prompts can name is chosen from a list', async () => {
  await tool.view.fill({ prompt: 'a house' });
  await vscode.view.locator('[data-action=pick-word]').click();
  await tool.choice('ink').waitFor();
  await tool.choice('moody').click();
  const field = vscode.view.locator('#prompt textarea');
  for (let tries = 0; (await field.inputValue()) !== 'a house, embedding:moody'; tries++) {
    assert.ok(tries < 100, 'the name is not inserted');
    await vscode.page.waitForTimeout(100);
  }
});

step('a trained word that a prompt names changes the image; one that is not here is a warning', async () => {
  const named = await tool.generated('a house, embedding:moody');
  assert.notEqual(named, plain);
  assert.equal(await vscode.view.locator('[data-test=warnings]').count(), 0);
  await tool.generated('a house, embedding:moody, embedding:gone');
  const warning = vscode.view.locator('[data-test=warnings]');
  await warning.waitFor();
  const told = (await warning.textContent()) ?? '';
  assert.match(told, /embedding:gone/);
  assert.doesNotMatch(told, /moody/);
  await vscode.screenshot('embedding-missing');
});

step('an image that is dropped on the references is seen by the IP-Adapter that is chosen once', async () => {
  const bytes = fs.readFileSync(CAT);
  await tool.list('references').evaluate((well, base64) => {
    const data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([data], 'cat.png'));
    well.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  }, bytes.toString('base64'));
  await tool.row('references-0').waitFor();
  await vscode.view.locator('[data-test=hindrance]', { hasText: 'Choose the IP-Adapter' }).waitFor();
  await vscode.view.locator('[data-action=model-references]').click();
  await tool.choice('ip-adapter.safetensors').click();
  await vscode.view.locator('[data-test=hindrance]').waitFor({ state: 'detached' });
  // The recipe of the dropped image is left alone.
  assert.equal(
    await vscode.view.locator('#prompt textarea').inputValue(),
    'a house, embedding:moody, embedding:gone',
  );
  const seen = await tool.generated('a house');
  assert.notEqual(seen, plain);
  assert.equal(await tool.view.recipe('Reference'), 'ip-adapter at 0.6');
  await tool
    .row('references-0')
    .locator('img')
    .evaluate((image: HTMLImageElement) => image.decode());
  await vscode.screenshot('reference');
  await tool.row('references-0').locator('[data-action=toggle]').click();
  assert.equal(await tool.generated('a house'), plain);
});

step('no page broke its content security policy', async () => {
  assert.deepEqual(vscode.violations, []);
});
