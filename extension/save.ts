import { randomUUID } from 'node:crypto';
import type { FileSystem, Uri } from 'vscode';
import { writeError } from '../engine/files.ts';
import { messageOf } from '../shared/errorMessage.ts';

/** The part of `vscode.workspace.fs` that saving needs. */
export type SaveFileSystem = Pick<FileSystem, 'createDirectory' | 'writeFile' | 'rename' | 'delete' | 'stat'>;

/**
 * Writes `bytes` beside `target` and renames, so that `target` is never seen half written.
 * @throws Error that says why, and leaves no file behind, if it cannot be written or, without `overwrite`, exists
 */
export async function writeAtomically(
  fs: SaveFileSystem,
  target: Uri,
  bytes: Uint8Array,
  { overwrite = false } = {},
): Promise<void> {
  const temporary = target.with({ path: `${target.path}.${randomUUID().slice(0, 8)}.tmp` });
  try {
    await fs.writeFile(temporary, bytes);
    await fs.rename(temporary, target, { overwrite });
  } catch (error) {
    await fs.delete(temporary).then(undefined, () => {});
    throw refusal(target, error);
  }
}

/**
 * Writes `bytes` under the first of `names` that is free in `folder`, which is created if necessary. @returns its
 * place
 */
export async function writeUnderFreeName(
  fs: SaveFileSystem,
  folder: Uri,
  names: Iterable<string>,
  bytes: Uint8Array,
): Promise<Uri> {
  await makeFolder(fs, folder);
  for (const name of names) {
    const target = folder.with({ path: `${folder.path.replace(/\/$/, '')}/${name}` });
    if (await exists(fs, target)) continue;
    await writeAtomically(fs, target, bytes);
    return target;
  }
  throw new Error(`No free file name in ${folder.path}.`);
}

/** Makes a folder and those above it. @throws Error that says why it cannot be made */
export async function makeFolder(fs: Pick<FileSystem, 'createDirectory'>, folder: Uri): Promise<void> {
  try {
    await fs.createDirectory(folder);
  } catch (error) {
    throw refusal(folder, error);
  }
}

/** The meaning of the system error that VS Code wraps into a sentence. */
function refusal({ path }: Uri, error: unknown): unknown {
  const message = messageOf(error);
  const [code] = /\bE[A-Z]{3,}\b/.exec(message) ?? [];
  return code ? writeError(path, Object.assign(new Error(message), { code })) : error;
}

async function exists(fs: SaveFileSystem, uri: Uri): Promise<boolean> {
  try {
    await fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}
