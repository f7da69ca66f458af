import { rmSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import os from 'node:os';
import { MEMORY, makeOwnFolder } from './own-folder.ts';

let made: Promise<string[]> | undefined;

/** See `spareFolders` in `host.ts`: a temporary folder, and one in memory where the platform has such files. */
export function spareFolders(): Promise<readonly string[]> {
  made ??= make();
  return made;
}

async function make(): Promise<string[]> {
  const folders: string[] = [];
  process.once('exit', () => {
    for (const folder of folders) remove(folder);
  });
  for (const root of new Set([os.tmpdir(), MEMORY]))
    try {
      folders.push(await makeOwnFolder(await realpath(root)));
    } catch {
      // There is none, or it takes none.
    }
  return folders;
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Windows keeps files that are in use; the next process removes them.
  }
}
