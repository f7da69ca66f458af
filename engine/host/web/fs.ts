import { writeError } from '../../files.ts';
import type { FileReader, FileStat, FileSystem, FileWriter } from '../host.ts';
import { path } from './path.ts';
import { type Changes, type Found, fileError, type OpenFile, type Store } from './store.ts';

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

/** A file's bytes, which are read when they are needed. */
export async function blobOf(file: string): Promise<Blob> {
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
    return use(readerOf(await blobOf(file)));
  },
  async *chunks(file) {
    const blob = await blobOf(file);
    for (let from = 0; from < blob.size; from += CHUNK) yield await bytesOf(blob, from, from + CHUNK);
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
    const blob = await blobOf(from);
    await fs.writeAtomically(to, async (writer) => {
      for (let at = 0; at < blob.size; at += CHUNK) await writer.write(await bytesOf(blob, at, at + CHUNK));
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

function readerOf(blob: Blob): FileReader {
  return {
    size: blob.size,
    async read(into, position) {
      const bytes = await bytesOf(blob, position, position + into.length);
      into.set(bytes);
      return bytes.length;
    },
  };
}

async function bytesOf(blob: Blob, from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await blob.slice(from, to).arrayBuffer());
}

function hasCode(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
