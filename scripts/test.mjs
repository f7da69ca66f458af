// Runs the tests: `unit` (beside the code), `parity`, `cli`, `web` and `faults` (in test/), `e2e` (a real VS Code), or all of them.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
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
if (files.length > 0) {
  const runner = ['--enable-source-maps', 'scripts/testRunner.mjs', '--concurrency', '2', '--minutes', '40'];
  process.exitCode = run(...runner, ...(await bundleTests(files, STARTED)));
}
// Not beside the others: a window that waits too long for its extensions fails.
if (inVSCode) {
  await installing;
  // Installs it if that has failed, and says why if it fails again.
  process.exitCode = run('scripts/e2e.mjs', '--built') || process.exitCode;
}
