import { constants } from 'node:fs';
import { access, mkdtemp, readdir, readlink, rm, statfs } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { codeOf } from '../../engine/files.ts';

/** Where files are in memory. */
const MEMORY = '/dev/shm';
/** Room that workers may need for the features of two steps; containers often have 64 MB there. */
const ROOM_BYTES = 1 << 30;

/** A folder for the mail of one crew: in memory, if the platform has such files and there is room. */
export async function makeMailFolder(memory = MEMORY, room = ROOM_BYTES): Promise<string> {
  const root = (await hasRoom(memory, room)) ? memory : os.tmpdir();
  const prefix = `patchwork-${await processSpace()}-`;
  await sweep(root, prefix);
  return await mkdtemp(path.join(root, `${prefix}${process.pid}-`));
}

async function hasRoom(folder: string, room: number): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize >= room;
  } catch {
    return false;
  }
}

/** Distinguishes process ids of this container from those of others, which may share the folder. */
async function processSpace(): Promise<string> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '');
  return /\d+/.exec(link)?.[0] ?? '0';
}

/** Removes folders of crews whose processes were all killed at once, so that none could clean up. */
async function sweep(root: string, prefix: string): Promise<void> {
  const names = await readdir(root).catch((): string[] => []);
  for (const name of names) {
    const pid = name.startsWith(prefix) && /^(\d+)-\w{6}$/.exec(name.slice(prefix.length))?.[1];
    if (!pid || isAlive(Number(pid))) continue;
    await rm(path.join(root, name), { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
