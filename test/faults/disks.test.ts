/** Full and read-only disks, for everything that writes: real ones where they can be mounted, else stand-ins. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { scriptOf } from '../support/script.ts';

const root = await mkdtemp(path.join(os.tmpdir(), 'patchwork-disk-'));
after(() => rm(root, { recursive: true, force: true }));
const { script, execArgv } = scriptOf(path.join(import.meta.dirname, 'disk-writers.ts'));

interface Outcome {
  name: string;
  outcome: string;
  /** Existing files are unchanged. */
  isKept: boolean;
  left: string[];
  later?: string;
}

/** Mounts in a namespace of its own, so that nothing of it is left, whatever happens. */
const namespace = ['-rm', '--propagation', 'private', 'bash', '-c'];
const canMount = spawnSync('unshare', [...namespace, `mount -t tmpfs none ${root}`]).status === 0;

async function writersOn(how: 'full' | 'read-only', code: string): Promise<Outcome[]> {
  const node = [process.execPath, ...execArgv, script, root];
  const mount = {
    full: `mount -t tmpfs -o size=3m none ${root}`,
    'read-only': `mount -t tmpfs -o size=3m none ${root} && echo old > ${root}/old.png && mount -o remount,ro ${root}`,
  };
  const quoted = [...node, how].map((part) => `'${part}'`).join(' ');
  const [command, ...args] = canMount
    ? ['unshare', ...namespace, `${mount[how]} && exec ${quoted}`]
    : [...node, `stand-in:${code}`];
  const { stdout } = await promisify(execFile)(command!, args, { maxBuffer: 1 << 24 });
  return JSON.parse(stdout);
}

/** Writers whose files only save time: their work succeeds without. */
const NEEDLESS = ['a hash', 'the speed of the machine'];
/** Writers that use another disk if this one refuses. */
const ELSEWHERE = ['merged weights', 'quantized weights', 'synthetic weights'];

for (const [how, code, sentence] of [
  ['full', 'ENOSPC', /disk is full/],
  ['read-only', 'EROFS', /disk is read-only/],
] as const)
  test(`a ${how} disk: one sentence that says so, and nothing half written`, async () => {
    for (const { name, outcome, isKept, left, later } of await writersOn(how, code)) {
      assert.ok(isKept, name);
      if (NEEDLESS.includes(name) || (canMount && ELSEWHERE.includes(name)))
        assert.equal(outcome, 'written', name);
      else {
        assert.match(outcome, sentence, name);
        assert.match(outcome, /^(InputError|Error): /, name);
      }
      if (!NEEDLESS.includes(name)) assert.deepEqual(left, [], name);
      if (later !== undefined) assert.equal(later, 'written', `${name}, later`);
    }
  });
