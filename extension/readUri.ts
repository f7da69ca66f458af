import path from 'node:path';
import { FileType, type Uri, workspace } from 'vscode';
import { InputError } from '../engine/errors.ts';
import { messageOf } from '../shared/errorMessage.ts';

/** The name of a file, without its folder. */
export function nameOf(uri: Uri): string {
  return path.posix.basename(uri.path);
}

/**
 * The bytes of a file that the user has named, wherever it is.
 * @throws InputError if it cannot be read, or has more than `most` bytes
 */
export async function readUri(uri: Uri, most: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const { size, type } = await workspace.fs.stat(uri);
    // A pipe or a device may have no end.
    if ((type & FileType.File) === 0) throw new InputError('it is not a file');
    if (size > most) throw new InputError(`it has ${size} bytes; at most ${most} can be opened`);
    return new Uint8Array(await workspace.fs.readFile(uri));
  } catch (error) {
    throw new InputError(`${nameOf(uri)} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}
