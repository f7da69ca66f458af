// Takes the pictures of the image editor in docs/images.
import { EditorUnderTest } from '../../test/e2e/editorPage.ts';
import { openWorkbench } from '../../test/e2e/harness.ts';
import { circle } from './strokes.ts';
import { take, takeInEachTheme } from './themes.ts';

const PICTURE = { prompt: 'a yellow tent by a lake at sunset', seed: 3 };
const EDIT = { prompt: 'a red balloon in the sky at sunset', seed: 7 };

const vscode = await openWorkbench();
const editor = new EditorUnderTest(vscode);
try {
  await vscode.page.setViewportSize({ width: 1360, height: 850 });
  await vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.closeSidebar'));
  await vscode.set('patchwork.size', '512x512');
  await vscode.inHost(({ commands }, request) => {
    void commands.executeCommand('patchwork.generateImage', request);
  }, PICTURE);
  await vscode.view.locator(`main[data-state=idle] img.picture`).waitFor({ timeout: 120_000 });
  await vscode.view.locator('[data-action=save]').click();
  await vscode.view.locator('[data-test=notice]', { hasText: 'Saved' }).waitFor();
  await editor.close();

  await editor.open('images/a-yellow-tent-by-a-lake-at-sunset-3.png');
  await editor.drag(circle(0.25, 0.22, 0.12));
  await editor.prompt(EDIT.prompt);
  await editor.view.locator('#seed input').fill(String(EDIT.seed));
  await editor.prepared();
  await drafted();
  await editor.apply();
  await editor.notice('Edit applied.');
  await editor.idle();
  await editor.drag(circle(0.5, 0.82, 0.09));
  await editor.prompt('a white boat');
  await drafted();
  await editor.apply();
  await editor.idle();
  await editor.press('details');
  await editor.press('level');
  await take(vscode, 'editor-levels');
  await editor.press('level');
  await editor.press('details');
  await editor.drag(circle(0.86, 0.16, 0.07));
  // The first full recompute of a session is slower than those after it.
  await editor.prompt('a kite');
  await drafted();
  await editor.prompt('a purple kite');
  await vscode.page.waitForTimeout(5000);
  await editor.press('toggleMask');
  await takeInEachTheme(vscode, 'editor');
} finally {
  await vscode.close();
}

/** Waits until the user has seen the draft. */
async function drafted(): Promise<void> {
  await editor.drafted();
  await vscode.page.waitForTimeout(1500);
}
