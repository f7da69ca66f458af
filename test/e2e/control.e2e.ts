import assert from 'node:assert/strict';
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

step('a control image is chosen with its model, drawn as edges, and steers', async () => {
  await tool.view.open();
  await tool.view.fill({ seed: '7' });
  const plain = await tool.generated('a house');
  await tool.open('controls');
  await tool.list('controls').locator('[data-action=add-controls]').click();
  await vscode.answerDialog(CAT);
  await tool.row('controls-0').locator('[data-action=model-controls]').click();
  await tool.choice('A Folder on This Machine').click();
  await vscode.answerDialog(path.join(tool.models, 'controlnet/controlnet'));
  await tool.row('controls-0').locator('[data-action=hint]').selectOption('canny');
  await tool.setNumber('controls-0', 'end', '50');
  const steered = await tool.generated('a house');
  assert.notEqual(steered, plain);
  assert.equal(await tool.view.recipe('Control'), 'canny, controlnet at 1, 0 % to 50 % of the steps');
  await vscode.screenshot('control');
  // Another seed is steered the same way, and a recipe brings the rows back.
  await vscode.view.locator('[data-action=again]').click();
  await tool.view.idle();
  await tool.row('controls-0').locator('[data-action=remove]').click();
  await vscode.view.locator('[data-action=useRecipe]').click();
  await tool.row('controls-0').waitFor();
  assert.deepEqual(vscode.violations, []);
});
