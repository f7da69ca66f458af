// Takes the pictures of VS Code in docs/images, anew: node --import tsx scripts/screenshots.ts (after a build).
import { EditorUnderTest } from '../test/e2e/editorPage.ts';
import { openWorkbench } from '../test/e2e/harness.ts';
import { take, takeInEachTheme } from './vscode/themes.ts';

const PICTURES = [
  { prompt: 'three yellow tents in a meadow in the morning', seed: 3 },
  { prompt: 'a purple lighthouse on the sea at dusk, stormy', seed: 1 },
  { prompt: 'a red house by a lake at sunset', seed: 7 },
];
/** Painted into the last picture. */
const EDIT = { prompt: 'a yellow balloon at sunset', seed: 5 };

const vscode = await openWorkbench();
try {
  await vscode.page.setViewportSize({ width: 1360, height: 850 });
  await vscode.openFile('README.md');
  await vscode.page.getByText('Page one').waitFor();
  await vscode.inHost(async ({ commands, window, Selection }) => {
    await commands.executeCommand('workbench.action.closeSidebar');
    window.activeTextEditor!.selection = new Selection(11, 0, 11, 0);
  });
  for (const picture of PICTURES) {
    await vscode.inHost(({ commands }, request) => {
      void commands.executeCommand('patchwork.generateImage', request);
    }, picture);
    const done = vscode.view.locator(`main[data-state=idle] img.picture[alt="${picture.prompt}"]`);
    await done.waitFor({ timeout: 120_000 });
  }
  await vscode.view.locator('[data-action=insertLink]').click();
  await vscode.view.locator('[data-test=notice]', { hasText: 'Inserted' }).waitFor();
  await vscode.page.keyboard.press('ControlOrMeta+s');
  await takeInEachTheme(vscode, 'vscode');

  await vscode.view.locator('[data-action=edit]').click();
  const editor = new EditorUnderTest(vscode);
  await editor.idle();
  await vscode.inHost(({ commands }) =>
    commands.executeCommand('workbench.action.closeEditorsInOtherGroups'),
  );
  await editor.drag(circle(0.2, 0.24, 0.09));
  await editor.prompt(EDIT.prompt);
  await editor.view.locator('#seed input').fill(String(EDIT.seed));
  await editor.apply();
  await editor.notice('Painted the masked part.');
  await editor.idle();
  await editor.press('level');
  await take(vscode, 'editor-levels');
  await editor.press('level');
  await editor.press('clear');
  await editor.drag(circle(0.6, 0.8, 0.06));
  await editor.prompt('a white boat');
  await takeInEachTheme(vscode, 'editor');
} finally {
  await vscode.close();
}

/** A spiral that a brush fills a disc with; fractions of the picture. */
function circle(x: number, y: number, radius: number): [number, number][] {
  return Array.from({ length: 40 }, (_, i) => {
    const r = (radius * i) / 39;
    return [x + r * Math.cos(i), y + r * Math.sin(i)];
  });
}
