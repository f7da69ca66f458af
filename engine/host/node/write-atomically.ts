import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { codeOf, writeError } from '../../files.ts';

/** See `FileSystem.writeAtomically`. (write-file-atomic takes a short write for success.) */
export async function writeAtomically(
  file: string,
  write: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  let temporary: string | undefined;
  try {
    const target = await resolveLinks(resolve(file));
    const name = join(dirname(target), `.patchwork-${randomBytes(8).toString('hex')}.tmp`);
    const mode = await modeOf(target);
    const handle = await open(name, 'wx');
    temporary = name;
    try {
      if (mode !== undefined) await handle.chmod(mode);
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    if (temporary) await rm(temporary, { force: true });
    throw codeOf(error) === undefined ? error : writeError(file, error);
  }
}

/** Permissions of a file; undefined if there is none. */
async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function resolveLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return path;
    throw error;
  }
}

/** See `FileSystem.checkWritable`. */
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

async function statIfThere(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
