// Takes the pictures of the benchmark panel in docs/images (after a build): of DistriFusion's table, which it runs, and
// of a run that `patchwork bench --json` has measured, where one is given:
// node --import tsx scripts/screenshots-benchmark.ts [RUN.json [FOLDER]]
import fs from 'node:fs';
import path from 'node:path';
import { openWorkbench } from '../test/e2e/harness.ts';
import { take, takeInEachTheme } from './vscode/themes.ts';

/** Milliseconds that the preset may take. */
const RUN = 400_000;

const [file, folder] = process.argv.slice(2);
const vscode = await openWorkbench();
try {
  await vscode.page.setViewportSize({ width: 1440, height: 1180 });
  await vscode.run('Patchwork: Open Benchmark');
  await vscode.inHost(async ({ commands }) => {
    await commands.executeCommand('workbench.action.closeSidebar');
  });
  await vscode.view.locator('[data-preset=distrifusion]').click();
  await vscode.view.locator('[data-test=notice]', { hasText: 'Finished' }).waitFor({ timeout: RUN });
  await vscode.view.locator('body').evaluate(() => window.scrollTo(0, 0));
  await take(vscode, 'benchmark-distrifusion', folder);
  await vscode.view
    .locator('#pictures')
    .evaluate((title) => window.scrollTo(0, title.getBoundingClientRect().top + window.scrollY - 16));
  await takeInEachTheme(vscode, 'benchmark-workers', folder);

  if (file) {
    const run = path.join(vscode.workspace, 'run.json');
    fs.copyFileSync(file, run);
    await vscode.view.locator('[data-action=import]').click();
    await vscode.answerDialog(run);
    await vscode.view.locator('[data-test=notice]', { hasText: 'Imported' }).waitFor();
    await vscode.view.locator('body').evaluate(() => window.scrollTo(0, 0));
    await takeInEachTheme(vscode, 'benchmark', folder);
  }
} finally {
  await vscode.close();
}
