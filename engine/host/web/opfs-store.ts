import { freeBytes } from './room.ts';
import { type Changes, type Found, fileError, type Store } from './store.ts';

/** Exists in workers only, so it is not among the DOM's types. */
interface SyncAccess {
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}
type FileHandle = FileSystemFileHandle & {
  createSyncAccessHandle(): Promise<SyncAccess>;
  move(folder: FileSystemDirectoryHandle, name: string): Promise<void>;
};
type Folder = FileSystemDirectoryHandle & { keys(): AsyncIterable<string> };

/**
 * The origin's private file system (fs.spec.whatwg.org); undefined if the browser has none, or refuses it: in private
 * windows, for pages without storage. Only in a dedicated worker can it be written.
 */
export async function openOpfs(root: string): Promise<Store | undefined> {
  try {
    const folder = await rootOf(root);
    // Writes a file as a trial, because some browsers refuse storage only then.
    const name = `.probe-${crypto.randomUUID()}`;
    const probe = (await folder.getFileHandle(name, { create: true })) as FileHandle;
    if (typeof probe.move !== 'function') return undefined;
    (await probe.createSyncAccessHandle()).close();
    await folder.removeEntry(name);
    return new OpfsStore(root);
  } catch {
    return undefined;
  }
}

/** Asked for at every use: after the browser has evicted the site's files, an older handle leads nowhere. */
async function rootOf(name: string): Promise<Folder> {
  const root = await navigator.storage.getDirectory();
  return (await root.getDirectoryHandle(name, { create: true })) as Folder;
}

class OpfsStore implements Store {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  async find(place: string): Promise<Found | undefined> {
    if (place === '') return { folder: true, mtimeMs: 0 };
    const [parent, name] = split(place);
    try {
      const folder = await this.#folder(parent);
      try {
        const { size, lastModified } = await (await folder.getFileHandle(name)).getFile();
        return { folder: false, size, mtimeMs: lastModified };
      } catch (error) {
        if (!isNamed(error, 'TypeMismatchError')) throw error;
        return { folder: true, mtimeMs: 0 };
      }
    } catch (error) {
      if (isNamed(error, 'NotFoundError', 'TypeMismatchError')) return undefined;
      throw withCode(error, place);
    }
  }

  async list(folder: string): Promise<string[]> {
    const names: string[] = [];
    try {
      for await (const name of (await this.#folder(folder)).keys()) names.push(name);
    } catch (error) {
      throw withCode(error, folder);
    }
    return names;
  }

  async open(place: string): Promise<Blob> {
    try {
      return await (await this.#handle(place)).getFile();
    } catch (error) {
      throw withCode(error, place);
    }
  }

  readonly changes: Changes = {
    mkdir: async (folder) => {
      await this.#folder(folder, true).catch((error) => {
        throw withCode(error, folder);
      });
    },
    remove: async (place) => {
      const [parent, name] = split(place);
      try {
        await (await this.#folder(parent)).removeEntry(name, { recursive: true });
      } catch (error) {
        if (!isNamed(error, 'NotFoundError')) throw withCode(error, place);
      }
    },
    write: async (place, keep) => {
      try {
        return writerOf(await (await this.#handle(place, true)).createSyncAccessHandle(), place, keep);
      } catch (error) {
        throw withCode(error, place);
      }
    },
    rename: async (from, to) => {
      const [parent, name] = split(to);
      try {
        const handle = await this.#handle(from);
        await handle.move(await this.#folder(parent), name);
      } catch (error) {
        throw withCode(error, from);
      }
    },
    freeBytes,
  };

  async #folder(place: string, create = false): Promise<Folder> {
    let folder = await rootOf(this.#name);
    for (const name of place.split('/').filter(Boolean))
      folder = (await folder.getDirectoryHandle(name, { create })) as Folder;
    return folder;
  }

  async #handle(place: string, create = false): Promise<FileHandle> {
    const [parent, name] = split(place);
    return (await (await this.#folder(parent)).getFileHandle(name, { create })) as FileHandle;
  }
}

function writerOf(access: SyncAccess, place: string, keep: number) {
  let end = keep;
  access.truncate(keep);
  return {
    async append(bytes: Uint8Array) {
      try {
        for (let done = 0; done < bytes.length; ) {
          const rest = bytes.subarray(done);
          const written = access.write(rest, { at: end });
          // Chromium does not throw where there is no room: it returns an error's number, as if that were a length.
          if (written === 0 || written > rest.length) throw fileError('EDQUOT', place);
          done += written;
          end += written;
        }
      } catch (error) {
        throw withCode(error, place);
      }
    },
    async close() {
      access.flush();
      access.close();
    },
  };
}

/** The folder and the name of a place. */
function split(place: string): [folder: string, name: string] {
  const at = place.lastIndexOf('/');
  return [place.slice(0, Math.max(at, 0)), place.slice(at + 1)];
}

const CODES: Readonly<Record<string, string>> = {
  NotFoundError: 'ENOENT',
  TypeMismatchError: 'ENOTDIR',
  QuotaExceededError: 'EDQUOT',
  NoModificationAllowedError: 'EBUSY',
  NotAllowedError: 'EACCES',
  SecurityError: 'EACCES',
  InvalidModificationError: 'ENOTEMPTY',
};

function withCode(error: unknown, place: string): unknown {
  const code = error instanceof Error ? CODES[error.name] : undefined;
  return code ? fileError(code, place, error) : error;
}

function isNamed(error: unknown, ...names: string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}
