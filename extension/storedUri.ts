import { Uri } from 'vscode';

/** Folders whose paths are not on a disk: in a browser, the extension's storage and the workspace's folders. */
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

/** The path of an address that is in one of these folders. */
export function placedPath({ scheme, authority, path }: Uri): string | undefined {
  for (const [folder, root] of places) {
    if (scheme !== root.scheme || authority !== root.authority) continue;
    const below = root.path.endsWith('/') ? root.path : `${root.path}/`;
    if (`${path}/`.startsWith(below)) return `${folder}/${path.slice(below.length)}`.replace(/\/$/, '');
  }
  return undefined;
}
