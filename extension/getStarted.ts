import path from 'node:path';
import { commands, type Disposable, type ExtensionContext, Uri, window, workspace } from 'vscode';
import { registerCommands } from './registerCommands.ts';
import { tickAgain } from './walkthrough.ts';

const WALKTHROUGH = 'patchwork.patchwork#start';
const SHOWN = 'patchwork.welcomed';

/**
 * *Get Started*: the walkthrough. `npm start` names a file in `PATCHWORK_WELCOME` that is opened with the walkthrough
 * beside it, once in a folder.
 */
export function registerGetStarted(context: ExtensionContext): Disposable[] {
  const welcome = process.env.PATCHWORK_WELCOME;
  if (welcome && isOpen(welcome) && !context.workspaceState.get(SHOWN)) {
    void context.workspaceState.update(SHOWN, true);
    void showWelcome(welcome);
  }
  return registerCommands({ getStarted: () => openWalkthrough(false) });
}

async function showWelcome(file: string): Promise<void> {
  await window.showTextDocument(Uri.file(file));
  await openWalkthrough(true);
}

async function openWalkthrough(beside: boolean): Promise<void> {
  await commands.executeCommand('workbench.action.openWalkthrough', WALKTHROUGH, beside);
  // Differences between versions of VS Code must not keep the walkthrough from opening.
  await tickAgain(WALKTHROUGH).catch(() => {});
}

function isOpen(file: string): boolean {
  return (workspace.workspaceFolders ?? []).some(({ uri }) => path.dirname(file) === uri.fsPath);
}
