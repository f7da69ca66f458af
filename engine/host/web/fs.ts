import { writeError } from '../../files.ts';
import type { FileReader, FileStat, FileSystem, FileWriter } from '../host.ts';
import { path } from './path.ts';
import { type Changes, type Contents, type Found, fileError, type OpenFile, type Store } from './store.ts';

/** Bytes of a chunk. */
const CHUNK = 4 << 20;

/** Stores by the path that they begin at. */
const mounted = new Map<string, Store>();

/** Shows a store as a folder of the file system, e.g. `/models`. */
export function mount(folder: string, store: Store): void {
  mounted.set(folder, store);
}

/** The store of a path, and the place in it. */
function storeOf(file: string): { store: Store; place: string } {
  const whole = path.resolve('/', file);
  const folder = `/${whole.split('/')[1] ?? ''}`;
  const store = mounted.get(folder);
  if (!store) throw fileError('ENOENT', file);
  return { store, place: whole.slice(folder.length + 1) };
}

function changesOf(file: string): { changes: Changes; place: string } {
  const { store, place } = storeOf(file);
  if (!store.changes) throw fileError('EROFS', file);
  return { changes: store.changes, place };
}

async function found(file: string): Promise<Found> {
  const { store, place } = storeOf(file);
  const it = await store.find(place);
  if (!it) throw fileError('ENOENT', file);
  return it;
}

/** See `Store.open`. */
export async function contentsOf(file: string): Promise<Contents> {
  if ((await found(file)).folder) throw fileError('EISDIR', file);
  const { store, place } = storeOf(file);
  return store.open(place);
}

/** The real path of what is behind a link, whose target is not told in a browser: outside every store. */
const BEHIND_LINKS = '/behind-a-link';

/** Files of a browser, by paths that begin with the folder of a mounted store. */
export const fs: FileSystem = {
  async stat(file): Promise<FileStat> {
    const it = await found(file);
    return {
      size: it.folder ? 0 : it.size,
      mtimeMs: it.mtimeMs,
      ctimeMs: it.mtimeMs,
      isFile: () => !it.folder,
      isDirectory: () => it.folder,
    };
  },
  exists: (file) =>
    found(file).then(
      () => true,
      () => false,
    ),
  async readdir(folder) {
    if (!(await found(folder)).folder) throw fileError('ENOTDIR', folder);
    const { store, place } = storeOf(folder);
    return store.list(place);
  },
  async walk(folder) {
    const files: string[] = [];
    for (const name of await fs.readdir(folder)) {
      const whole = path.join(folder, name);
      if (!(await found(whole)).folder) files.push(name);
      else files.push(...(await fs.walk(whole)).map((below) => `${name}/${below}`));
    }
    return files;
  },
  async mkdir(folder) {
    const { changes, place } = changesOf(folder);
    await changes.mkdir(place);
  },
  async remove(file) {
    const { changes, place } = changesOf(file);
    await changes.remove(place);
  },
  async realpath(file) {
    await found(file);
    const { store, place } = storeOf(file);
    return (await store.linked?.(place)) ? BEHIND_LINKS : path.resolve('/', file);
  },
  async open(file, use) {
    return use(readerOf(await contentsOf(file)));
  },
  async *chunks(file) {
    const contents = await contentsOf(file);
    const size = sizeOf(contents);
    for (let from = 0; from < size; from += CHUNK) yield await bytesOf(contents, from, from + CHUNK);
  },
  async writeAtomically(file, write) {
    try {
      const { changes, place } = changesOf(file);
      const temporary = path.join(path.dirname(place), `.patchwork-${crypto.randomUUID()}.tmp`);
      try {
        await using(await changes.write(temporary, 0), write);
        await changes.rename(temporary, place);
      } catch (error) {
        await changes.remove(temporary).catch(() => {});
        throw error;
      }
    } catch (error) {
      throw hasCode(error) ? writeError(file, error) : error;
    }
  },
  async checkWritable(file) {
    try {
      changesOf(file);
      if (!(await found(path.dirname(file))).folder) throw fileError('ENOTDIR', file);
      if ((await found(file).catch(() => undefined))?.folder) throw fileError('EISDIR', file);
    } catch (error) {
      throw writeError(file, error);
    }
  },
  async append(file, from, use) {
    const { changes, place } = changesOf(file);
    await using(await changes.write(place, from), use);
  },
  async rename(from, to) {
    const { changes, place } = changesOf(from);
    await changes.rename(place, changesOf(to).place);
  },
  async copy(from, to) {
    await fs.writeAtomically(to, async (writer) => {
      for await (const chunk of fs.chunks(from)) await writer.write(chunk);
    });
  },
  link: (place, file) => fs.rename(file, place),
  async linkTarget(file) {
    await found(file);
    return file;
  },
  freeBytes: (folder) => changesOf(folder).changes.freeBytes(),
  async touch(file) {
    // A browser sets the time when it writes.
    const { size } = await fs.stat(file);
    await fs.append(file, size, async () => {});
  },
  async withTemporaryFolder(use) {
    const folder = `/data/temporary/${crypto.randomUUID()}`;
    await fs.mkdir(folder);
    try {
      return await use(folder);
    } finally {
      await fs.remove(folder);
    }
  },
};

/** After a failure, what was written until then is kept. */
async function using(file: OpenFile, write: (writer: FileWriter) => Promise<void>): Promise<void> {
  try {
    await write({
      write: (data) =>
        file.append(typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data)),
    });
  } finally {
    await file.close();
  }
}

function readerOf(contents: Contents): FileReader {
  return {
    size: sizeOf(contents),
    async read(into, position) {
      const bytes = await bytesOf(contents, position, position + into.length);
      into.set(bytes);
      return bytes.length;
    },
  };
}

function sizeOf(contents: Contents): number {
  return contents instanceof Uint8Array ? contents.length : contents.size;
}

async function bytesOf(contents: Contents, from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
  if (contents instanceof Uint8Array) return contents.slice(from, to);
  return new Uint8Array(await contents.slice(from, to).arrayBuffer());
}

function hasCode(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
