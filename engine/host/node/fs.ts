import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, realpath, rm, stat, utimes } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { FileSystem } from '../host.ts';
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
  async mkdir(folder) {
    await mkdir(folder, { recursive: true });
  },
  remove: (place) => rm(place, { recursive: true, force: true, maxRetries: 3 }),
  realpath: (place) => realpath(place),
  readText: (file) => readFile(file, 'utf8'),
  async open(file, use) {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      return await use({
        size,
        async read(into, position) {
          // A system reads at most 2 GiB at a time.
          const length = Math.min(into.length, 1 << 30);
          return (await handle.read(into, 0, length, position)).bytesRead;
        },
        readAll: () => handle.readFile(),
      });
    } finally {
      await handle.close();
    }
  },
  chunks: (file) => createReadStream(file, { highWaterMark: CHUNK }),
  writeAtomically: (file, write) =>
    writeAtomically(file, (handle) => write({ write: (data) => handle.writeFile(data) })),
  checkWritable,
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
