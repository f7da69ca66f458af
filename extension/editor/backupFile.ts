import { type CancellationToken, type CustomDocumentBackup, Uri, workspace } from 'vscode';
import { makeFolder, writeAtomically } from '../save.ts';

/**
 * Milliseconds that a backup outlives its successor: a window that is closed before VS Code has noted the new one looks
 * for the old one.
 */
const LINGERS = 10_000;

/** Which backup was written last to each place: VS Code uses the same names again when a file is opened again. */
const written = new Map<string, symbol>();

/** Writes a document's backup where VS Code wants it, unless that was cancelled meanwhile. */
export async function writeBackup(
  destination: Uri,
  bytes: Uint8Array,
  token: CancellationToken,
  lingers = LINGERS,
): Promise<CustomDocumentBackup> {
  const id = destination.toString();
  const mine = Symbol();
  await makeFolder(workspace.fs, Uri.joinPath(destination, '..'));
  // The window may be closed in the meantime.
  if (!token.isCancellationRequested) {
    written.set(id, mine);
    await writeAtomically(workspace.fs, destination, bytes, { overwrite: true });
  }
  const remove = () => {
    if (written.get(id) !== mine) return;
    written.delete(id);
    void workspace.fs.delete(destination).then(undefined, () => {});
  };
  return { id, delete: () => void setTimeout(remove, lingers) };
}
