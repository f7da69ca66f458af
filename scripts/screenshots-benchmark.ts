// Takes the pictures of the benchmark panel in docs/images, of a run that `patchwork bench --json` has measured:
// node --import tsx scripts/screenshots-benchmark.ts RUN.json (after a build).
import fs from 'node:fs';
import path from 'node:path';
import { openWorkbench } from '../test/e2e/harness.ts';
import { takeInEachTheme } from './vscode/themes.ts';

const [file, folder] = process.argv.slice(2);
if (!file) throw new Error('Give the JSON of a run.');
const vscode = await openWorkbench();
try {
  await vscode.page.setViewportSize({ width: 1440, height: 1180 });
  const run = path.join(vscode.workspace, 'run.json');
  fs.copyFileSync(file, run);
  await vscode.run('Patchwork: Open Benchmark');
  await vscode.inHost(async ({ commands }) => {
    await commands.executeCommand('workbench.action.closeSidebar');
  });
  await vscode.view.locator('[data-action=import]').click();
  await vscode.answerDialog(run);

  await vscode.view.locator('[data-test=figures]').waitFor();
  await vscode.view.locator('[data-preset]').waitFor();
  await takeInEachTheme(vscode, 'benchmark', folder);
} finally {
  await vscode.close();
}
