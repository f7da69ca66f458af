// Takes the pictures of the benchmark panel in docs/images: runs the tables of DistriFusion and SIGE.
import { openWorkbench } from '../../test/e2e/harness.ts';
import { take, takeInEachTheme } from './themes.ts';

/** Milliseconds that a table may take. */
const RUN = 900_000;

const vscode = await openWorkbench();
try {
  await vscode.page.setViewportSize({ width: 1440, height: 1180 });
  await vscode.run('Patchwork: Open Benchmark');
  await vscode.inHost(async ({ commands }) => {
    await commands.executeCommand('workbench.action.closeSidebar');
  });
  await run('distrifusion');
  await take(vscode, 'benchmark-distrifusion');
  await vscode.view
    .locator('#pictures')
    .evaluate((title) => window.scrollTo(0, title.getBoundingClientRect().top + window.scrollY - 16));
  await takeInEachTheme(vscode, 'benchmark-workers');
  await run('sige');
  await takeInEachTheme(vscode, 'benchmark');
} finally {
  await vscode.close();
}

async function run(preset: string): Promise<void> {
  await vscode.view.locator('body').evaluate(() => window.scrollTo(0, 0));
  await vscode.view.locator(`[data-preset=${preset}]`).click();
  await vscode.view.locator('[data-action=cancel]').first().waitFor();
  await vscode.view.locator('[data-test=notice]', { hasText: 'Finished' }).waitFor({ timeout: RUN });
  await vscode.view.locator('body').evaluate(() => window.scrollTo(0, 0));
}
