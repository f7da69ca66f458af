import { FileSystemError, FileType, Uri, workspace } from 'vscode';
import { freeBytes } from '../../engine/host/web/room.ts';
import { type Changes, collected, type Found, fileError, type Store } from '../../engine/host/web/store.ts';

/** A folder of VS Code's file system as a store, such as the extension's storage in a browser. */
export class UriStore implements Store {
  readonly #root: Uri;

  constructor(root: Uri) {
    this.#root = root;
  }

  async find(place: string): Promise<Found | undefined> {
    try {
      const { type, size, mtime } = await workspace.fs.stat(this.#uri(place));
      if (type & FileType.Directory) return { folder: true, mtimeMs: mtime };
      return { folder: false, size, mtimeMs: mtime };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async list(folder: string): Promise<string[]> {
    return (await workspace.fs.readDirectory(this.#uri(folder))).map(([name]) => name);
  }

  async open(place: string): Promise<Blob> {
    return new Blob([new Uint8Array(await asked(place, workspace.fs.readFile(this.#uri(place))))]);
  }

  async linked(place: string): Promise<boolean> {
    const names = place.split('/').filter(Boolean);
    for (const at of names.keys()) {
      const above = this.#uri(names.slice(0, at + 1).join('/'));
      if ((await workspace.fs.stat(above)).type & FileType.SymbolicLink) return true;
    }
    return false;
  }

  readonly changes: Changes = {
    mkdir: (folder) => asked(folder, workspace.fs.createDirectory(this.#uri(folder))),
    remove: async (place) => {
      try {
        await workspace.fs.delete(this.#uri(place), { recursive: true });
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    },
    write: async (place, keep) =>
      collected(keep > 0 ? (await this.open(place)).slice(0, keep) : undefined, async (whole) => {
        const bytes = new Uint8Array(await whole.arrayBuffer());
        await asked(place, workspace.fs.writeFile(this.#uri(place), bytes));
      }),
    rename: async (from, to) => {
      await workspace.fs.rename(this.#uri(from), this.#uri(to), { overwrite: true });
    },
    freeBytes,
  };

  #uri(place: string): Uri {
    return place === '' ? this.#root : Uri.joinPath(this.#root, place);
  }
}

/** VS Code's errors by POSIX codes. */
const CODES: Readonly<Record<string, string>> = {
  FileNotFound: 'ENOENT',
  FileNotADirectory: 'ENOTDIR',
  FileIsADirectory: 'EISDIR',
  NoPermissions: 'EACCES',
};

/** What VS Code answers about a place; its errors get their codes. */
async function asked<Answer>(place: string, answer: PromiseLike<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    const code = error instanceof FileSystemError ? CODES[error.code] : undefined;
    throw code === undefined ? error : fileError(code, place, error);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof FileSystemError && error.code === 'FileNotFound';
}
