import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../../../files.ts';
import type { LockOptions } from '../../host.ts';

/** A holder renews its lock this often, in milliseconds. */
const HEARTBEAT = 5000;
/** A lock that has not been renewed for so long belongs to nobody. */
const STALE = 30_000;
const POLL = 200;

/** See `withLock` in `host.ts`. A lock whose process has ended is taken over. */
export async function withLock<Result>(
  file: string,
  action: () => Promise<Result>,
  options: LockOptions = {},
): Promise<Result> {
  const own = JSON.stringify({ host: os.hostname(), pid: process.pid, id: randomUUID() });
  await mkdir(path.dirname(file), { recursive: true });
  while (!(await take(file, own))) {
    if (await isStale(file)) await takeAway(file);
    else {
      options.onWait?.();
      await sleep(POLL, undefined, { signal: options.signal });
    }
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => {});
  }, HEARTBEAT);
  try {
    return await action();
  } finally {
    clearInterval(heartbeat);
    const holder = await readFile(file, 'utf8').catch(() => undefined);
    if (holder === own) await rm(file, { force: true });
  }
}

async function take(file: string, own: string): Promise<boolean> {
  try {
    await writeFile(file, own, { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function isStale(file: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(file);
    if (Date.now() - mtimeMs > STALE) return true;
    const { host, pid } = JSON.parse(await readFile(file, 'utf8'));
    return host === os.hostname() && typeof pid === 'number' && !isAlive(pid);
  } catch {
    // It is gone, or half written: the next look tells.
    return false;
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

/** Renaming is done by one process only. */
async function takeAway(file: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  await rename(file, aside).catch(() => {});
  await rm(aside, { force: true });
}
