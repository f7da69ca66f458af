/**
 * The share of the machine that this process may use: less than all in a container, or when it is bound to some cores.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Processors that can be kept busy: those that the process may run on, and no more than its control group's quota. */
export function coreCount(): number {
  // Node 20 asks for the affinity only.
  const quota = process.platform === 'linux' ? coreQuota(readText) : undefined;
  return Math.max(1, Math.min(os.availableParallelism(), Math.ceil(quota ?? Number.POSITIVE_INFINITY)));
}

/** Bytes of memory that the process may take. */
export function memoryBytes(): number {
  // Without a limit it is 0, or more than there is.
  const limit = process.constrainedMemory() ?? 0;
  return limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem();
}

const ROOT = '/sys/fs/cgroup';

/**
 * Processors that the control groups of this process grant it: the smallest quota on the way to the root; undefined
 * without one (docs.kernel.org: Control Group v2, cpu.max; and CFS Bandwidth Control for version 1).
 * @param read a file's text, undefined if there is none
 */
export function coreQuota(read: (file: string) => string | undefined): number | undefined {
  const quotas: number[] = [];
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, group] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (group === undefined || controllers === undefined) continue;
    const second = controllers === '';
    if (!second && !controllers.split(',').includes('cpu')) continue;
    const root = second ? ROOT : path.posix.join(ROOT, controllers);
    for (let at = group; ; at = path.posix.dirname(at)) {
      const of = (name: string) => read(path.posix.join(root, at, name)) ?? '';
      const [quota, period] = second
        ? of('cpu.max').split(' ').map(Number)
        : [Number(of('cpu.cfs_quota_us')), Number(of('cpu.cfs_period_us'))];
      // "max" is no number, and -1 means the same.
      if (quota! > 0 && period! > 0) quotas.push(quota! / period!);
      if (at === path.posix.dirname(at)) break;
    }
  }
  return quotas.length > 0 ? Math.min(...quotas) : undefined;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
