/** The processes that a process has started. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

export interface Process {
  pid: number;
  parent: number;
  /** Its command line. */
  args: string;
}

/** `root` and everything below it. */
export function descendants(root: number): Process[] {
  const all = process.platform === 'linux' ? fromProc() : fromPs();
  const family = new Set([root]);
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid));
}

/** Small Linux machines come without `ps`. */
function fromProc(): Process[] {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const args = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      // The name, in brackets, may hold anything; the parent is the second field behind it.
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [{ pid: Number(pid), parent: Number(parent), args }];
    } catch {
      return []; // It has ended since.
    }
  });
}

function fromPs(): Process[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid ? [{ pid: Number(pid), parent: Number(parent), args }] : [];
  });
}
