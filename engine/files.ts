import { messageOf } from '../shared/errorMessage.ts';
import { InputError } from './errors.ts';

/** What the operating system's error codes mean when a file is written. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission was denied',
  EPERM: 'permission was denied',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the storage quota is used up',
  EFBIG: 'the file is too large for the disk',
  ENAMETOOLONG: 'its name is too long',
  EBUSY: 'it is in use',
};

/** The error code of a failed system call, or undefined. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Whether a disk has refused something, in contrast to a network. */
export function isDiskError(error: unknown): error is Error & { path?: string } {
  return Object.hasOwn(REASONS, codeOf(error) ?? '') && (error as { syscall?: string }).syscall !== 'connect';
}

/** A failed write of `file` as one sentence for the user. */
export function writeError(file: string, error: unknown): InputError {
  return new InputError(`Cannot write ${file}: ${REASONS[codeOf(error) ?? ''] ?? messageOf(error)}.`, {
    cause: error,
  });
}
