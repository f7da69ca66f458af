import { Range, type Uri, window, workspace } from 'vscode';
import { InputError } from '../engine/errors.ts';
import type { LastEditor, Place } from './lastEditor.ts';
import { markdownImage, relativePath } from './markdown.ts';
import { reached } from './walkthrough.ts';

/** The place for a link. @throws InputError if there is none */
export function requirePlace({ place }: LastEditor): Place {
  if (!place) throw new InputError('Open the document you want to link from first.');
  return place;
}

/**
 * Inserts a Markdown image at the cursor of the last active text editor, and goes there.
 * @returns the name of the document
 */
export async function insertLink(lastEditor: LastEditor, picture: Uri, alt: string): Promise<string> {
  const { document, selection, viewColumn } = requirePlace(lastEditor);
  const editor = await window.showTextDocument(document, { viewColumn, selection });
  const link = markdownImage(alt, linkTarget(document.isUntitled ? undefined : document.uri, picture));
  const inserted = await editor.edit((edit) => edit.insert(selection.active, link));
  if (!inserted) throw new Error(`The link could not be inserted into ${document.fileName}.`);
  reached('linked');
  editor.revealRange(new Range(selection.active, selection.active));
  return workspace.asRelativePath(document.uri);
}

/** Relative to the document where that is possible, else to the workspace folder, else the whole URI. */
function linkTarget(document: Uri | undefined, picture: Uri): string {
  if (document && document.scheme === picture.scheme && document.authority === picture.authority) {
    return relativePath(document.path, picture.path);
  }
  const folder = workspace.getWorkspaceFolder(picture);
  return folder ? relativePath(`${folder.uri.path}/x`, picture.path) : picture.toString();
}
