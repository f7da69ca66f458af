import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { FilePermission, type Uri, workspace } from 'vscode';
import { InputError } from '../../engine/errors.ts';
import type { PictureFormat } from '../../engine/pictures/metadata.ts';
import { PICTURE_LIMITS } from '../../engine/pictures/read.ts';
import { writePicture } from '../../engine/pictures/write.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { nameOf, readUri } from '../readUri.ts';

const FORMATS: Readonly<Record<string, PictureFormat>> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.webp': 'webp',
};

/** The format that a file's ending stands for. @throws InputError for others than PNG, JPEG and WebP. */
export function formatOf(uri: Uri): PictureFormat {
  const ending = path.posix.extname(uri.path);
  const format = FORMATS[ending.toLowerCase()];
  if (format) return format;
  const what = ending ? `${ending.slice(1).toUpperCase()} is` : 'A file without an ending is';
  throw new InputError(`${what} not supported. Patchwork edits PNG, JPEG and WebP files.`);
}

/** Whether the editor takes files with such an ending. */
export function isEditable(uri: Uri): boolean {
  return path.posix.extname(uri.path).toLowerCase() in FORMATS;
}

/** @throws InputError if it cannot be read or is too large. */
export function readPictureUri(uri: Uri): Promise<Uint8Array<ArrayBuffer>> {
  return readUri(uri, PICTURE_LIMITS.fileBytes);
}

/** An image file's contents, and its name for errors. */
export interface NamedPicture {
  name: string;
  bytes: Uint8Array;
}

/** @throws InputError as `readPictureUri` does */
export async function readNamedPicture(uri: Uri): Promise<NamedPicture> {
  return { name: nameOf(uri), bytes: await readPictureUri(uri) };
}

/**
 * Overwrites a file; on disk in one piece. Not by `workspace.fs.rename`, because VS Code considers a file that is
 * renamed over deleted and closes its document.
 * @throws Error saying which file and why.
 */
export async function writePictureUri(uri: Uri, bytes: Uint8Array): Promise<void> {
  // Its message is complete already.
  if (uri.scheme === 'file') return await writePicture(uri.fsPath, bytes);
  try {
    await workspace.fs.writeFile(uri, bytes);
  } catch (error) {
    throw new Error(`${nameOf(uri)} cannot be written: ${messageOf(error)}.`, { cause: error });
  }
}

export async function isReadOnly(uri: Uri): Promise<boolean> {
  if (workspace.fs.isWritableFileSystem(uri.scheme) === false) return true;
  if (uri.scheme === 'file')
    return await access(uri.fsPath, constants.W_OK).then(
      () => false,
      () => true,
    );
  const { permissions = 0 } = await workspace.fs.stat(uri).then(undefined, () => ({ permissions: 0 }));
  return (permissions & FilePermission.Readonly) !== 0;
}

/** Digest of the contents. Hashed on another thread, because files may have hundreds of megabytes. */
export async function digestOf(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
