import { randomUUID } from 'node:crypto';
import { rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, writeError } from '../../../files.ts';
import type { LockOptions } from '../../host.ts';
import { isAlive } from '../is-alive.ts';
import { makeFolder } from '../make-folder.ts';
import { readStart } from '../read-start.ts';

/** A holder renews its lock this often, in milliseconds. */
const HEARTBEAT = 5000;
/** A lock that has not been renewed for this long is abandoned. */
const STALE = 30_000;
const POLL = 200;
/** An unreadable lock is abandoned after this long. */
const HALF_WRITTEN = 2000;

/** See `withLock` in `host.ts`. A lock whose process has ended is taken over. */
export async function withLock<Result>(
  file: string,
  action: () => Promise<Result>,
  options: LockOptions = {},
): Promise<Result> {
  const own = JSON.stringify({ host: os.hostname(), pid: process.pid, id: randomUUID() });
  await makeFolder(path.dirname(file)).catch((error) => {
    throw writeError(file, error);
  });
  const watch = new Watch(file);
  while (!(await take(file, own))) {
    if (await watch.isStale()) await takeAway(file);
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
    const holder = await readStart(file).catch(() => undefined);
    if (holder === own) await rm(file, { force: true });
  }
}

async function take(file: string, own: string): Promise<boolean> {
  try {
    await writeFile(file, own, { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    // Made, but not written: the disk is full.
    await rm(file, { force: true }).catch(() => {});
    throw writeError(file, error);
  }
}

/**
 * Watches whether another process still renews its lock. Changes that are seen count, because clocks of other machines,
 * and this one's, may be wrong or set back; but a lock whose last change is long past was left behind, and no one waits
 * for it.
 */
class Watch {
  readonly #file: string;
  #seen: { time: number; since: number } | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  async isStale(): Promise<boolean> {
    try {
      const { mtimeMs: time } = await stat(this.#file);
      const now = performance.now();
      if (this.#seen?.time !== time) this.#seen = { time, since: now };
      if (now - this.#seen.since > STALE || Date.now() - time > STALE) return true;
      const holder = holderOf(await readStart(this.#file));
      // A file without content was cut off while it was written, which takes no time.
      if (!holder) return now - this.#seen.since > HALF_WRITTEN;
      return holder.host === os.hostname() && !isAlive(holder.pid);
    } catch (error) {
      // A folder, a pipe or a device in its place is no lock. If it is gone, the next check finds out.
      return ['EISDIR', 'ENOTREG'].includes(codeOf(error) ?? '');
    }
  }
}

function holderOf(text: string): { host: string; pid: number } | undefined {
  try {
    const { host, pid } = JSON.parse(text);
    return typeof host === 'string' && Number.isSafeInteger(pid) ? { host, pid } : undefined;
  } catch {
    return undefined;
  }
}

/** Renaming is done by one process only. */
async function takeAway(file: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  await rename(file, aside).catch(() => {});
  await rm(aside, { recursive: true, force: true });
}
