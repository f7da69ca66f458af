import path from 'node:path';
import { commands, type Disposable, type ExtensionContext, Uri, window, workspace } from 'vscode';
import { registerCommands } from './registerCommands.ts';
import { tickAgain } from './walkthrough.ts';

const WALKTHROUGH = 'patchwork.patchwork#start';
const SHOWN = 'patchwork.welcomed';

/** *Get Started*: the walkthrough. The file `welcome` is opened with it beside, once in a folder. */
export function registerGetStarted(context: ExtensionContext, welcome?: string): Disposable[] {
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
