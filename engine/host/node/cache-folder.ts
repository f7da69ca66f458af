import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { homePath } from '../../../shared/homePath.ts';

/**
 * The user's cache folder for Patchwork: the platform's usual one, unless `PATCHWORK_CACHE` names another. If the usual
 * one cannot be written, as in a container with a read-only disk, a temporary folder takes its place, because quantized
 * weights are read from files.
 */
export function cacheFolder(): string {
  if (process.env.PATCHWORK_CACHE) return path.resolve(homePath(process.env.PATCHWORK_CACHE, os.homedir()));
  const customary = customaryFolder();
  let chosen = known.get(customary);
  if (chosen === undefined) {
    chosen = canWrite(customary) ? customary : (temporaryFolder() ?? customary);
    known.set(customary, chosen);
  }
  return chosen;
}

/** The folder that was chosen in place of each usual one. */
const known = new Map<string, string>();

function customaryFolder(): string {
  if (process.platform === 'win32')
    return path.join(
      process.env.LOCALAPPDATA ?? path.join(os.homedir(), 'AppData', 'Local'),
      'patchwork',
      'cache',
    );
  if (process.platform === 'darwin') return path.join(os.homedir(), 'Library', 'Caches', 'patchwork');
  // A relative path must be ignored (specifications.freedesktop.org/basedir-spec).
  const given = homePath(process.env.XDG_CACHE_HOME ?? '', os.homedir());
  return path.join(path.isAbsolute(given) ? given : path.join(os.homedir(), '.cache'), 'patchwork');
}

function canWrite(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * A temporary folder of this user alone, because others can write to the folder above it. Undefined if there is none.
 */
function temporaryFolder(): string | undefined {
  const user = process.getuid?.();
  const folder = path.join(os.tmpdir(), user === undefined ? 'patchwork-cache' : `patchwork-cache-${user}`);
  try {
    mkdirSync(folder, { mode: 0o700, recursive: true });
    const found = lstatSync(folder);
    const isOwn = user === undefined || (found.uid === user && (found.mode & 0o077) === 0);
    return found.isDirectory() && isOwn && canWrite(folder) ? folder : undefined;
  } catch {
    return undefined;
  }
}
