// Runs the tests: `unit` (beside the code), `parity`, `cli`, `web` and `faults` (in test/), `e2e` (a real VS Code), or all of them.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleTests, STARTED } from './testBundles.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** Those of the longest files come first, so that none of these runs alone at the end. */
const suites = {
  web: ['test/web'],
  parity: ['test/parity'],
  cli: ['test/cli'],
  faults: ['test/faults', 'test/fuzz'],
  unit: [
    'studies',
    'processes',
    'scripts',
    'examples',
    'docs',
    'engine',
    'extension',
    'agents',
    'cli',
    'shared',
    'webview',
  ],
};
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => name !== 'e2e' && !(name in suites));
if (unknown.length > 0) {
  console.error(`Unknown suite ${unknown.join(', ')}; known: ${[...Object.keys(suites), 'e2e'].join(', ')}.`);
  process.exit(2);
}

function testsBelow(folder) {
  const absolute = path.join(root, folder);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => path.join(folder, name))
    .sort();
}

/** Runs a script with this process's output. @returns its exit status */
function run(...args) {
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

const built = run('scripts/build.mjs');
if (built !== 0) process.exit(built);
const inVSCode = asked.length === 0 || asked.includes('e2e');
// Downloads while the other tests run.
const installing =
  inVSCode &&
  once(spawn(process.execPath, ['scripts/e2e.mjs', '--install'], { cwd: root, stdio: 'ignore' }), 'exit');
const files = Object.entries(suites)
  .filter(([name]) => asked.length === 0 || asked.includes(name))
  .flatMap(([, folders]) => folders.flatMap(testsBelow));
const runner = ['--enable-source-maps', 'scripts/testRunner.mjs', '--concurrency', '2', '--minutes', '40'];
const bundles = files.length > 0 ? await bundleTests(files, STARTED) : [];
// A window spends most of its time waiting, so the other tests run beside it; but it goes first, because a test fails
// where a window waits too long for its extensions.
const others =
  bundles.length > 0 ? start([...runner, ...bundles], { isPatient: inVSCode }) : Promise.resolve(0);
// Installs it if that has failed, and says why if it fails again.
const windows = inVSCode
  ? installing.then(() => start(['scripts/e2e.mjs', '--built'], { after: others }))
  : 0;
process.exitCode = (await others) || (await windows);

/**
 * Runs a script beside others.
 * @param options `isPatient`: other processes go first; `after`: what it writes is not shown before that has ended
 * @returns its exit status
 */
async function start(args, { isPatient = false, after }) {
  const output = after ? 'pipe' : 'inherit';
  const options = { cwd: root, stdio: ['ignore', output, output], detached: isPatient };
  const child = spawn(process.execPath, args, options);
  if (isPatient) letOthersFirst(child.pid);
  const closed = once(child, 'close');
  for (const stream of [child.stdout, child.stderr]) if (stream) showAfter(after, stream);
  const [status] = await closed;
  return status ?? 1;
}

/** Shows what a script has written once another has ended, and from then on at once. */
async function showAfter(other, stream) {
  const written = [];
  const keep = (chunk) => written.push(chunk);
  stream.on('data', keep);
  await other;
  stream.off('data', keep);
  process.stdout.write(Buffer.concat(written));
  stream.on('data', (chunk) => process.stdout.write(chunk));
}

/** Lowers the priority of a process, which leads a session, and of those that it starts. */
function letOthersFirst(pid) {
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => {
      process.kill(-pid, signal);
      process.exit(1);
    });
  os.setPriority(pid, os.constants.priority.PRIORITY_BELOW_NORMAL);
  // Linux weighs sessions against each other first.
  const ofSession = `/proc/${pid}/autogroup`;
  if (existsSync(ofSession)) writeFileSync(ofSession, '10');
}
