import os from 'node:os';
import path from 'node:path';
import { FileType, Uri, type WorkspaceFolder, window, workspace } from 'vscode';
import { InputError } from '../engine/errors.ts';
import type { Recipe } from '../shared/api.ts';
import { messageOf } from '../shared/errorMessage.ts';
import { pictureNames } from '../shared/names.ts';
import { requireInside } from './inside.ts';
import { writeAtomically, writeUnderFreeName } from './save.ts';
import { outputFolder } from './settings.ts';

/**
 * Writes a picture into the output folder of the workspace, under a free name.
 * @param near a document whose workspace folder is preferred
 * @returns its place, or undefined if no folder is open
 */
export async function saveToWorkspace(recipe: Recipe, png: Uint8Array, near?: Uri): Promise<Uri | undefined> {
  const folder = workspaceFolder(near);
  if (!folder) return undefined;
  requireWritable(folder.uri);
  const settings = workspace.getConfiguration('patchwork', folder.uri);
  const target = Uri.joinPath(folder.uri, ...outputFolder((name) => settings.get(name)));
  if (folder.uri.scheme === 'file') await requireInside(folder.uri.fsPath, target.fsPath);
  else await requireNoLinks(folder.uri, target);
  const names = pictureNames(recipe.prompt, recipe.seed);
  return await reporting(target, writeUnderFreeName(workspace.fs, target, names, png));
}

/**
 * The target of a link on another machine is unknown, so none is followed.
 * @throws InputError for a link between the workspace folder and the target
 */
async function requireNoLinks(folder: Uri, target: Uri): Promise<void> {
  const below = path.posix.relative(folder.path, target.path).split('/').filter(Boolean);
  for (const [i, name] of below.entries()) {
    const place = Uri.joinPath(folder, ...below.slice(0, i + 1));
    const { type } = await workspace.fs.stat(place).then(undefined, () => ({ type: FileType.Unknown }));
    if (type & FileType.SymbolicLink)
      throw new InputError(
        `${name} in the output folder ${below.join('/')} is a link; nothing was saved there.`,
      );
  }
}

/** Asks where to write a picture; undefined if the user cancelled. */
export async function saveByDialog(recipe: Recipe, png: Uint8Array): Promise<Uri | undefined> {
  const [name] = pictureNames(recipe.prompt, recipe.seed);
  const target = await window.showSaveDialog({
    defaultUri: placeFor(name!),
    filters: { 'PNG images': ['png'] },
    title: 'Save Image',
  });
  if (!target) return undefined;
  requireWritable(target);
  // The dialog has already asked whether to replace an existing file.
  await reporting(target, writeAtomically(workspace.fs, target, png, { overwrite: true }));
  return target;
}

/** The home folder, or the open folder if that is not on a disk. */
function placeFor(name: string): Uri {
  const open = workspace.workspaceFolders?.[0]?.uri;
  return open && open.scheme !== 'file' ? Uri.joinPath(open, name) : Uri.file(path.join(os.homedir(), name));
}

/** The workspace folder of `near`, else the first one. */
export function workspaceFolder(near?: Uri): WorkspaceFolder | undefined {
  return (near && workspace.getWorkspaceFolder(near)) ?? workspace.workspaceFolders?.[0];
}

function requireWritable(uri: Uri): void {
  if (workspace.fs.isWritableFileSystem(uri.scheme) === false) {
    throw new InputError(`Images cannot be saved here: ${uri.scheme} folders are read-only.`);
  }
}

/** Waits for a write to `place`; errors name the image and the place. */
async function reporting<Result>(place: Uri, writing: Promise<Result>): Promise<Result> {
  try {
    return await writing;
  } catch (error) {
    const where = workspace.asRelativePath(place);
    throw new Error(`The image could not be saved in ${where}: ${messageOf(error)}`, { cause: error });
  }
}
