import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../../files.ts';

/** Makes a folder and those above it. On a read-only disk Node alone says that it does not exist (ENOENT). */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') await access(await nearest(path.resolve(folder)), constants.W_OK);
    throw error;
  }
}

/** The innermost folder of a path that exists. */
async function nearest(folder: string): Promise<string> {
  const parent = path.dirname(folder);
  if (parent === folder) return folder;
  return await stat(folder).then(
    () => folder,
    () => nearest(parent),
  );
}
