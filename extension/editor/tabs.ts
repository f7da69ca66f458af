/** The tabs of the picture editor. */
import { commands, type Tab, TabInputCustom, type Uri, type ViewColumn, window } from 'vscode';

export const EDITOR_TYPE = 'patchwork.pictureEditor';

/** Opens a file in the editor. */
export async function openEditor(file: Uri, column?: ViewColumn): Promise<void> {
  await commands.executeCommand('vscode.openWith', file, EDITOR_TYPE, column);
}

/** Milliseconds within which VS Code opens a file that was saved elsewhere or renamed. */
export const OPENED_SOON = 30_000;

/**
 * Opens a file in the editor as soon as VS Code opens it: VS Code opens files that were saved elsewhere or renamed as
 * its settings say, but an image that was being edited stays in the editor.
 */
export function stayInEditor(saved: Uri): void {
  const isOther = ({ input }: Tab) =>
    input instanceof TabInputCustom &&
    input.viewType !== EDITOR_TYPE &&
    input.uri.toString() === saved.toString();
  const listening = window.tabGroups.onDidChangeTabs(async ({ opened, changed }) => {
    const other = [...opened, ...changed].find(isOther);
    if (!other) return;
    listening.dispose();
    await openEditor(saved, other.group.viewColumn);
    await window.tabGroups.close(other);
  });
  setTimeout(() => listening.dispose(), OPENED_SOON);
}

/** Whether VS Code holds unsaved changes of a picture. */
export function isDirty(uri: Uri): boolean {
  return window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .some(
      ({ input, isDirty }) =>
        isDirty &&
        input instanceof TabInputCustom &&
        input.viewType === EDITOR_TYPE &&
        input.uri.toString() === uri.toString(),
    );
}
