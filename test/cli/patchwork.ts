import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { mock } from 'node:test';
import { createProgram } from '../../cli/program.ts';
import { report } from '../../cli/report.ts';

export const BUNDLE = path.join(import.meta.dirname, '..', '..', 'dist', 'patchwork.mjs');

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built `patchwork` command as a user does; `signalAfter` sends Ctrl-C once stderr or time says so. */
export function patchwork(
  args: readonly string[],
  options: {
    interruptAfterMs?: number;
    env?: Record<string, string>;
    bundle?: string;
    cwd?: string;
    /** Told all that it has written to stderr so far. */
    onStderr?: (text: string) => void;
  } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [options.bundle ?? BUNDLE, ...args], {
      cwd: options.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    const outcome: Outcome = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      outcome.stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      outcome.stderr += chunk;
      options.onStderr?.(outcome.stderr);
    });
    if (options.interruptAfterMs !== undefined)
      setTimeout(() => child.kill('SIGINT'), options.interruptAfterMs);
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...outcome, code }));
  });
}

/** The same in this process, for help and for what is refused: starting one takes most of a second. */
export async function patchworkHere(args: readonly string[]): Promise<Outcome> {
  const outcome: Outcome = { code: 0, stdout: '', stderr: '' };
  const capture = (name: 'stdout' | 'stderr') => {
    const stream = process[name];
    const write = stream.write.bind(stream) as (...given: unknown[]) => boolean;
    return mock.method(stream, 'write', (...given: unknown[]) => {
      // What the test runner writes meanwhile are bytes.
      if (typeof given[0] !== 'string') return write(...given);
      outcome[name] += given[0];
      return true;
    });
  };
  const captured = [capture('stdout'), capture('stderr')];
  try {
    await createProgram().parseAsync(args, { from: 'user' });
  } catch (error) {
    outcome.code = report(error);
  } finally {
    for (const { mock } of captured) mock.restore();
  }
  return outcome;
}

/** A folder that is gone after `use`. */
export async function inTemporaryFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
