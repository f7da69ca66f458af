import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { codeOf, writeAtomically, writeError } from '../files.ts';

/**
 * Fails early, before a picture is computed for it, if `file` can clearly not be written.
 * @throws InputError saying why: no such folder, a folder itself, no permission.
 */
export async function checkWritable(file: string): Promise<void> {
  const path = resolve(file);
  try {
    await access(dirname(path), constants.W_OK);
    const target = await statIfThere(path);
    if (target?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    if (target) await access(path, constants.W_OK);
    else if (!(await stat(dirname(path))).isDirectory())
      throw Object.assign(new Error(), { code: 'ENOTDIR' });
  } catch (error) {
    throw writeError(file, error);
  }
}

/**
 * Writes a picture's file in one piece: on an error the file is as it was before, and nothing partial is left.
 * @throws InputError saying why it could not be written.
 */
export async function writePicture(file: string, png: Uint8Array): Promise<void> {
  await checkWritable(file);
  await writeAtomically(file, (handle) => handle.writeFile(png));
}

async function statIfThere(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
