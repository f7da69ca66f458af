/**
 * Where Patchwork runs in a window of a remote machine (SSH, WSL, containers): on the user's computer, whose GPU it can
 * use, unless `remote.extensionKind` says otherwise. Files are then read through VS Code, but models only from a disk.
 */
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ExtensionKind, env, extensions, UIKind, Uri } from 'vscode';
import { InputError } from '../engine/errors.ts';
import { nameOf } from './readUri.ts';

export const EXTENSION_ID = 'patchwork.patchwork';

/** Where Patchwork runs, as VS Code's setting `remote.extensionKind` names it; undefined in a window of one machine. */
export function placeInRemoteWindow(): 'ui' | 'workspace' | undefined {
  if (env.remoteName === undefined || env.uiKind === UIKind.Web) return undefined;
  const kind = extensions.getExtension(EXTENSION_ID)?.extensionKind;
  return kind === ExtensionKind.UI ? 'ui' : 'workspace';
}

/** Makes a dialogue begin on the computer on which Patchwork runs, in place of the remote machine. */
export function onThisComputer(): { defaultUri?: Uri } {
  return placeInRemoteWindow() === 'ui' ? { defaultUri: Uri.file(os.homedir()) } : {};
}

/**
 * The path of a model, which the engine reads by itself.
 * @throws InputError if it is not on a disk of the computer on which Patchwork runs
 */
export function localPath(uri: Uri): string {
  if (uri.scheme === 'file') return uri.fsPath;
  throw new InputError(
    uri.scheme === 'vscode-remote'
      ? `${nameOf(uri)} is on the remote machine, ${ELSEWHERE}`
      : `${nameOf(uri)} is on no disk of this computer, so it cannot be used as a model: copy it there first.`,
  );
}

const ELSEWHERE =
  'and Patchwork runs on this computer, which cannot read models there. Copy it to this computer, or let Patchwork run there: Patchwork: Choose Device….';

/**
 * Paths in the settings of a remote window may be those of the remote machine.
 * @throws InputError if Patchwork runs on this computer and a file is not there
 */
export function requireHere(files: readonly (string | undefined)[]): void {
  if (placeInRemoteWindow() !== 'ui') return;
  for (const file of files)
    if (file && path.isAbsolute(file) && !existsSync(file))
      throw new InputError(
        `${file}, which the settings name, is not on this computer. It may be on the remote machine, ${ELSEWHERE}`,
      );
}

/** A file as it is written in a form: by its path, or by its address if it has none. */
export function placeText(uri: Uri): string {
  return uri.scheme === 'file' ? uri.fsPath : uri.toString();
}

/** The file that `placeText` has written. */
export function placeUri(text: string): Uri {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(text) && !path.isAbsolute(text) ? Uri.parse(text) : Uri.file(text);
}
