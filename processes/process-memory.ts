import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Bytes of memory that a process takes (its resident set); undefined if it is unknown. */
export async function processMemory(pid: number): Promise<number | undefined> {
  try {
    if (process.platform === 'linux') return kilobytes(/^VmRSS:\s*(\d+) kB/m, await status(pid));
    if (process.platform === 'win32') {
      const { stdout } = await run('tasklist', ['/fi', `PID eq ${pid}`, '/fo', 'csv', '/nh']);
      // The last column: "12,345 K", with the thousands separated as the country does.
      const [, digits] = /"([\d.,\s]+)\s*K"\s*$/.exec(stdout.trim()) ?? [];
      return digits ? 1024 * Number(digits.replace(/\D/g, '')) : undefined;
    }
    return kilobytes(/^\s*(\d+)/, (await run('ps', ['-o', 'rss=', '-p', String(pid)])).stdout);
  } catch {
    return undefined;
  }
}

async function status(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/status`, 'utf8');
}

function kilobytes(pattern: RegExp, text: string): number | undefined {
  const [, digits] = pattern.exec(text) ?? [];
  return digits ? 1024 * Number(digits) : undefined;
}
