import { randomBytes } from 'node:crypto';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InputError, messageOf } from './errors.ts';

/** What the operating system's error codes mean for someone who wanted a file written. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission was denied',
  EPERM: 'permission was denied',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is too large for the disk',
  ENAMETOOLONG: 'its name is too long',
  EBUSY: 'it is in use',
};

/** The error code of a failed system call, or undefined. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Whether a path leads to something. */
export function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** A failed write of `file` as one sentence for the user. */
export function writeError(file: string, error: unknown): InputError {
  return new InputError(`Cannot write ${file}: ${REASONS[codeOf(error) ?? ''] ?? messageOf(error)}.`, {
    cause: error,
  });
}

/**
 * Writes a file in one piece: it appears under its name, in place of an older one whose permissions it takes over,
 * only when `write` is done and the data is on the disk. On an error nothing is left of it. (write-file-atomic takes a short write for success.)
 * @throws InputError if the system refuses; what else `write` throws is passed on.
 */
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
