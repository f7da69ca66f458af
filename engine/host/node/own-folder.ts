import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import path from 'node:path';
import { isAlive } from './is-alive.ts';

/** Where files are in memory. */
export const MEMORY = '/dev/shm';

/**
 * A new folder of this process in a folder that many use. Those of processes that were killed, so that they could not
 * clean up, are removed.
 */
export async function makeOwnFolder(root: string): Promise<string> {
  const prefix = `patchwork-${await processSpace()}-`;
  await sweep(root, prefix);
  return await mkdtemp(path.join(root, `${prefix}${process.pid}-`));
}

/** Distinguishes process ids of this container from those of others, which may share the folder. */
async function processSpace(): Promise<string> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '');
  return /\d+/.exec(link)?.[0] ?? '0';
}

async function sweep(root: string, prefix: string): Promise<void> {
  const names = await readdir(root).catch((): string[] => []);
  for (const name of names) {
    const pid = name.startsWith(prefix) && /^(\d+)-\w{6}$/.exec(name.slice(prefix.length))?.[1];
    if (!pid || isAlive(Number(pid))) continue;
    await rm(path.join(root, name), { recursive: true, force: true }).catch(() => {});
  }
}
