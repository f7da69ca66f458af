import { Uri } from 'vscode';

/** Folders whose paths are not on a disk: in a browser, the extension's storage. */
const places = new Map<string, Uri>();

/** Maps paths below `folder` to `uri`. */
export function placeFolder(folder: string, uri: Uri): void {
  places.set(folder, uri);
}

/** The address of a path of the extension's own files. */
export function uriOf(file: string): Uri {
  for (const [folder, uri] of places)
    if (file.startsWith(`${folder}/`)) return Uri.joinPath(uri, file.slice(folder.length + 1));
  return Uri.file(file);
}
