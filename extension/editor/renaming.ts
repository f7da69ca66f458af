import { type Disposable, Uri, workspace } from 'vscode';
import type { PictureDocument } from './document.ts';
import { isEditable } from './pictureFile.ts';
import { isDirty, OPENED_SOON, stayInEditor } from './tabs.ts';

/**
 * Keeps images in their editor when their files are renamed, with what was not saved: VS Code opens the new file in its
 * default editor and drops the edits.
 */
export class Renaming implements Disposable {
  readonly #open: () => Iterable<PictureDocument>;
  /** Unsaved edits by the new address. */
  readonly #kept = new Map<string, Uint8Array>();
  readonly #listening: Disposable;

  /** @param open the documents that are open */
  constructor(open: () => Iterable<PictureDocument>) {
    this.#open = open;
    this.#listening = workspace.onWillRenameFiles((event) => {
      const moves = event.files.flatMap(({ oldUri, newUri }) => this.#moves(oldUri, newUri));
      if (moves.length > 0) event.waitUntil(Promise.all(moves.map((move) => this.#prepare(move))));
    });
  }

  dispose(): void {
    this.#listening.dispose();
  }

  /** The unsaved edits of a file that has just been renamed to this, once. */
  take(file: Uri): Uint8Array | undefined {
    const key = file.toString();
    const backup = this.#kept.get(key);
    this.#kept.delete(key);
    return backup;
  }

  /** The documents that a renamed file or folder moves, and where to. */
  #moves(from: Uri, to: Uri): { document: PictureDocument; target: Uri }[] {
    return [...this.#open()].flatMap((document) => {
      const target = movedTo(document.uri, from, to);
      return target && isEditable(target) ? [{ document, target }] : [];
    });
  }

  async #prepare({ document, target }: { document: PictureDocument; target: Uri }): Promise<void> {
    stayInEditor(target);
    if (!isDirty(document.uri)) return;
    const key = target.toString();
    this.#kept.set(key, await document.backup());
    // Renaming may fail.
    setTimeout(() => this.#kept.delete(key), OPENED_SOON);
  }
}

/** Where a file is after it, or a folder above it, was renamed; undefined if it stays. */
function movedTo(file: Uri, from: Uri, to: Uri): Uri | undefined {
  if (file.toString() === from.toString()) return to;
  const below = `${from.path.replace(/\/$/, '')}/`;
  const isBelow =
    file.scheme === from.scheme && file.authority === from.authority && file.path.startsWith(below);
  return isBelow ? Uri.joinPath(to, file.path.slice(below.length)) : undefined;
}
