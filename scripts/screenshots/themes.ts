/** The themes that pictures of VS Code are taken in. */
import path from 'node:path';
import type { Workbench } from '../../test/e2e/harness.ts';

export const FOLDER = path.resolve(import.meta.dirname, '../../docs/images');
const THEMES = {
  dark: ['Default Dark Modern', 'vscode-dark'],
  light: ['Default Light Modern', 'vscode-light'],
  contrast: ['Default High Contrast', 'vscode-high-contrast'],
} as const;

/** Calls `use` with VS Code and its page in each theme; `ending` and `kind` name it. */
export async function inEachTheme(
  vscode: Workbench,
  use: (ending: string, kind: string) => Promise<void>,
): Promise<void> {
  for (const [ending, [theme, kind]] of Object.entries(THEMES)) {
    await vscode.set('workbench.colorTheme', theme);
    await vscode.view.locator(`body[data-vscode-theme-kind="${kind}"]`).waitFor();
    await use(ending, kind);
  }
}

/** Takes docs/images/<name>-dark.png and so on of what is open. */
export async function takeInEachTheme(vscode: Workbench, name: string, folder = FOLDER): Promise<void> {
  await inEachTheme(vscode, async (ending) => {
    await vscode.page.waitForTimeout(1000);
    await take(vscode, `${name}-${ending}`, folder);
  });
  await vscode.set('workbench.colorTheme', THEMES.dark[0]);
}

/** Takes docs/images/<name>.png of what is open. */
export async function take(vscode: Workbench, name: string, folder = FOLDER): Promise<void> {
  await vscode.page.screenshot({ path: path.join(folder, `${name}.png`) });
}
