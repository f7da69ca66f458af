import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before } from 'node:test';
import { EditorUnderTest } from './editorPage.ts';
import { openWorkbench, until, type Workbench } from './harness.ts';
import { storyIn } from './story.ts';
import { PICTURE, ViewUnderTest } from './viewPage.ts';
import { ticks } from './walkthrough.ts';

let vscode: Workbench;
const step = storyIn(() => vscode);

before(async () => {
  // As `npm start` does it.
  vscode = await openWorkbench((workspace) => ({ PATCHWORK_WELCOME: path.join(workspace, 'README.md') }));
});
after(() => vscode?.close());

step('the first sight is the README, with the walkthrough beside it', async () => {
  const walkthrough = vscode.page.locator('.gettingStartedContainer', {
    hasText: 'Get started with Patchwork',
  });
  await walkthrough.waitFor({ timeout: PICTURE });
  await vscode.page.locator('.monaco-editor .view-lines', { hasText: 'A picture book' }).waitFor();
  await vscode.page.locator('.statusbar-item', { hasText: 'Scenes' }).waitFor();
  await vscode.screenshot('first-sight');
  const text = (await walkthrough.textContent()) ?? '';
  assert.ok(!text.includes('*'), 'VS Code shows asterisks as they are');
});

step('what was done is ticked off, after a reload too, and in the order in which one likes', async () => {
  const view = new ViewUnderTest(vscode);
  await view.open();
  await view.fill({ prompt: 'a cat on a beach', steps: '2' });
  await view.generate();
  await view.shows('a cat on a beach');
  await until(async () => (await ticks(vscode)).includes('generate'), 'the tick');
  await vscode.reload();
  await until(async () => (await ticks(vscode)).includes('generate'), 'the tick after a reload');
});

step('Get Started opens the walkthrough at any time', async () => {
  await vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.closeAllEditors'));
  await vscode.run('Patchwork: Get Started');
  await vscode.page.locator('.gettingStartedContainer', { hasText: 'Generate an image' }).waitFor();
});

step('where no folder is open, saving asks where, and editing asks nothing', async () => {
  await vscode.openEmptyWindow();
  const view = new ViewUnderTest(vscode);
  await view.open();
  await view.fill({ prompt: 'a boat on a lake', steps: '2' });
  await view.generate();
  await view.shows('a boat on a lake');
  const save = view.view.locator('.toolbar [data-action=save]');
  assert.match((await save.textContent())!, /^\s*Save…\s*$/);
  await vscode.screenshot('no-folder');
  await view.view.locator('.toolbar [data-action=edit]').click();
  await new EditorUnderTest(vscode).idle();
  await vscode.screenshot('no-folder-editor');
});
