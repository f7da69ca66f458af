import os from 'node:os';
import path from 'node:path';

/** The user's cache folder for Patchwork, by the platform's custom; `PATCHWORK_CACHE` overrides it. */
export function cacheFolder(): string {
  if (process.env.PATCHWORK_CACHE) return path.resolve(process.env.PATCHWORK_CACHE);
  if (process.platform === 'win32')
    return path.join(
      process.env.LOCALAPPDATA ?? path.join(os.homedir(), 'AppData', 'Local'),
      'patchwork',
      'cache',
    );
  if (process.platform === 'darwin') return path.join(os.homedir(), 'Library', 'Caches', 'patchwork');
  return path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'patchwork');
}
