import { link as hardLink, lstat, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../../files.ts';

/** See `FileSystem.link`. */
export async function link(place: string, file: string): Promise<void> {
  const target = path.relative(path.dirname(place), file);
  for (;;) {
    try {
      await symlink(target, place);
      return;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') {
        if (await leadsSomewhere(place)) return;
        // A link to a file that is gone.
        await rm(place, { force: true });
        continue;
      }
      if (codeOf(error) !== 'EPERM' && codeOf(error) !== 'ENOSYS') throw error;
      await hardLink(file, place).catch(() => rename(file, place));
      return;
    }
  }
}

/** See `FileSystem.linkTarget`. */
export async function linkTarget(place: string): Promise<string> {
  return (await lstat(place)).isSymbolicLink()
    ? path.resolve(path.dirname(place), await readlink(place))
    : place;
}

function leadsSomewhere(place: string): Promise<boolean> {
  return stat(place).then(
    () => true,
    () => false,
  );
}
