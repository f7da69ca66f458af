/** Files of weights that are computed once: in the cache, or where it takes none, for this process only. */
import { fs, path, spareFolders } from '#host';
import { InputError } from '../errors.ts';
import { isDiskError, writeError } from '../files.ts';
import type { FileVersion } from './source.ts';

/** Folders in which this process has made files, and why the cache refused them. */
const spares = new Map<string, string>();

interface Making<Opened> {
  /** Opens a file that was made before; undefined if it is not there or not whole. */
  open(file: string): Promise<Opened | undefined>;
  /** Writes the file, in a folder that exists, and opens it. */
  make(file: string): Promise<Opened>;
}

/**
 * Opens a file of the cache, and makes it first if it is missing. If the cache takes no files (it is full, read-only,
 * or cannot be made), the file is made in a folder of this process.
 * @throws InputError if it cannot be written anywhere; other errors of `open` and `make` are passed on
 */
export async function openOrMake<Opened>(file: string, { open, make }: Making<Opened>): Promise<Opened> {
  const [folder, name] = [path.dirname(file), path.basename(file)];
  for (const place of [folder, ...spares.keys()]) {
    const opened = await open(path.join(place, name));
    if (opened) return opened;
  }
  const makeIn = async (place: string) => {
    await fs.mkdir(place).catch((error) => {
      throw writeError(path.join(place, name), error);
    });
    return make(path.join(place, name));
  };
  try {
    return await makeIn(folder);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    for (const root of await spareFolders()) {
      const spare = path.join(root, path.basename(folder));
      try {
        const made = await makeIn(spare);
        spares.set(spare, error.message);
        return made;
      } catch (again) {
        if (!isRefusal(again)) throw again;
      }
    }
    throw error;
  }
}

function isRefusal(error: unknown): error is InputError {
  return error instanceof InputError && isDiskError(error.cause);
}

/** Notices about weights in files that the cache did not take; none if it took all. */
export function spareNotices(files: readonly FileVersion[]): string[] {
  for (const { file } of files) {
    const why = spares.get(path.dirname(file));
    if (why)
      return [
        `${why.replace(/\.$/, '')}, so the weights that were computed are kept in ${path.dirname(file)} until Patchwork ends, and are computed again next time. PATCHWORK_CACHE names another folder.`,
      ];
  }
  return [];
}
