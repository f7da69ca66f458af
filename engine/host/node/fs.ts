import { constants, type Stats } from 'node:fs';
import {
  copyFile,
  type FileHandle,
  mkdtemp,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  statfs,
  utimes,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { FileSystem } from '../host.ts';
import { link, linkTarget } from './link.ts';
import { makeFolder } from './make-folder.ts';
import { checkWritable, writeAtomically } from './write-atomically.ts';

/** Bytes of a chunk. */
const CHUNK = 4 << 20;

/** The disk. */
export const fs: FileSystem = {
  stat,
  exists: (place) =>
    stat(place).then(
      () => true,
      () => false,
    ),
  readdir: (folder) => readdir(folder),
  async walk(folder) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) =>
        path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'),
      );
  },
  mkdir: makeFolder,
  remove: (place) => rm(place, { recursive: true, force: true, maxRetries: 3 }),
  realpath: (place) => realpath(place),
  async open(file, use) {
    const handle = await openRegular(file);
    try {
      const { size } = await handle.stat();
      return await use({
        size,
        async read(into, position) {
          // A system reads at most 2 GiB at a time.
          const length = Math.min(into.length, 1 << 30);
          return (await handle.read(into, 0, length, position)).bytesRead;
        },
      });
    } finally {
      await handle.close();
    }
  },
  async *chunks(file) {
    const handle = await openRegular(file);
    try {
      for (let position = 0; ; ) {
        const chunk = new Uint8Array(CHUNK);
        const { bytesRead } = await handle.read(chunk, 0, CHUNK, position);
        if (bytesRead === 0) return;
        position += bytesRead;
        yield chunk.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  },
  writeAtomically: (file, write) =>
    writeAtomically(file, (handle) => write({ write: (data) => handle.writeFile(data) })),
  checkWritable,
  async append(file, from, use) {
    const handle = await open(file, from > 0 ? 'r+' : 'w');
    let end = from;
    try {
      await handle.truncate(from);
      await use({
        async write(data) {
          const bytes = typeof data === 'string' ? Buffer.from(data) : data;
          for (let done = 0; done < bytes.length; ) {
            const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, end);
            done += bytesWritten;
            end += bytesWritten;
          }
        },
      });
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  rename,
  copy: copyFile,
  link,
  linkTarget,
  async freeBytes(folder) {
    const { bavail, bsize } = await statfs(path.resolve(folder));
    return bavail * bsize;
  },
  touch(file) {
    const now = new Date();
    return utimes(file, now, now);
  },
  async withTemporaryFolder(use) {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
    try {
      return await use(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Looks before it opens, since opening a device can do something, and after it, since the path may lead elsewhere by then. */
async function openRegular(file: string): Promise<FileHandle> {
  requireRegular(file, await stat(file));
  // Opening a pipe would wait for its other end.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    requireRegular(file, await handle.stat());
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function requireRegular(file: string, found: Stats): void {
  if (found.isFile()) return;
  const code = found.isDirectory() ? 'EISDIR' : 'ENOTREG';
  throw Object.assign(new Error(`${code}: not a regular file, open '${file}'`), { code });
}
