/** The walkthrough *Get started with Patchwork*, as VS Code shows it. */
import type { Workbench } from './harness.ts';

/** Opens it. Resolves with the steps that are ticked off. */
export async function ticks(vscode: Workbench): Promise<string[]> {
  await vscode.inHost(({ commands }) =>
    commands.executeCommand('workbench.action.openWalkthrough', 'patchwork.patchwork#start', false),
  );
  const boxes = vscode.page.locator('.getting-started-step [data-done-step-id]');
  await boxes.nth(3).waitFor();
  return await boxes.evaluateAll((all) =>
    all
      .filter((box) => box.getAttribute('aria-checked') === 'true')
      .map((box) => box.getAttribute('data-done-step-id')!.split('#').at(-1)!),
  );
}
