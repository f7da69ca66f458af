import { spawnSync } from 'node:child_process';

/**
 * Why tests that need a program are skipped, or false if they run. In CI nothing is skipped for want of a program:
 * there the tests run, and fail without it. Windows is the exception, since its package managers do not have them
 * all.
 */
export function skipWithout(program: string, versionFlag = '--version'): string | false {
  if (process.env.CI && process.platform !== 'win32') return false;
  return spawnSync(program, [versionFlag]).status === 0 ? false : `${program} is not installed`;
}
