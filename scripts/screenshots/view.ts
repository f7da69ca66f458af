// Takes the pictures of the view in docs/images.
import { openWorkbench } from '../../test/e2e/harness.ts';
import { takeInEachTheme } from './themes.ts';

const PICTURES = [
  { prompt: 'three yellow tents in a meadow in the morning', seed: 3 },
  { prompt: 'a purple lighthouse on the sea at dusk, stormy', seed: 1 },
  { prompt: 'a red house by a lake at sunset', seed: 16 },
];
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
} finally {
  await vscode.close();
}
