import { Uri, type WorkspaceFolder, window, workspace } from 'vscode';
import type { Recipe } from '../engine/api.ts';
import { InputError } from '../engine/errors.ts';
import { pictureNames } from './names.ts';
import { writeAtomically, writeUnderFreeName } from './save.ts';
import { outputFolder } from './settings.ts';

/**
 * Writes a picture into the output folder of the workspace, under a name that was free.
 * @param near a document whose workspace folder is preferred
 * @returns where it is, or undefined if no folder is open
 */
export async function saveToWorkspace(recipe: Recipe, png: Uint8Array, near?: Uri): Promise<Uri | undefined> {
  const folder = workspaceFolder(near);
  if (!folder) return undefined;
  requireWritable(folder.uri);
  const settings = workspace.getConfiguration('patchwork', folder.uri);
  const target = Uri.joinPath(folder.uri, ...outputFolder((name) => settings.get(name)));
  return await writeUnderFreeName(workspace.fs, target, pictureNames(recipe.prompt, recipe.seed), png);
}

/** Asks where to write a picture; undefined if the user did not say. */
export async function saveByDialog(recipe: Recipe, png: Uint8Array): Promise<Uri | undefined> {
  const [name] = pictureNames(recipe.prompt, recipe.seed);
  const target = await window.showSaveDialog({
    defaultUri: Uri.file(name!),
    filters: { 'PNG pictures': ['png'] },
    title: 'Save Picture',
  });
  if (!target) return undefined;
  requireWritable(target);
  // The dialog has asked before it gave the name of a file that exists.
  await writeAtomically(workspace.fs, target, png, { overwrite: true });
  return target;
}

/** The workspace folder of `near`, else the first one. */
export function workspaceFolder(near?: Uri): WorkspaceFolder | undefined {
  return (near && workspace.getWorkspaceFolder(near)) ?? workspace.workspaceFolders?.[0];
}

function requireWritable(uri: Uri): void {
  if (workspace.fs.isWritableFileSystem(uri.scheme) === false) {
    throw new InputError(`Pictures cannot be saved here: ${uri.scheme} folders are read-only.`);
  }
}
