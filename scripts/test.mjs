// Runs the tests: `unit` (beside the code), `parity`, `cli`, `web` and `faults` (in test/), `e2e` (a real VS Code), or all of them.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleTests, STARTED } from './testBundles.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const suites = {
  unit: [
    'agents',
    'engine',
    'processes',
    'shared',
    'cli',
    'extension',
    'webview',
    'studies',
    'scripts',
    'examples',
    'docs',
  ],
  parity: ['test/parity'],
  cli: ['test/cli'],
  web: ['test/web'],
  faults: ['test/fuzz', 'test/faults'],
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

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

run('scripts/build.mjs');
const inVSCode = asked.length === 0 || asked.includes('e2e');
// Downloads while the other tests run.
const installing =
  inVSCode &&
  once(spawn(process.execPath, ['scripts/e2e.mjs', '--install'], { cwd: root, stdio: 'ignore' }), 'exit');
const files = Object.entries(suites)
  .filter(([name]) => asked.length === 0 || asked.includes(name))
  .flatMap(([, folders]) => folders.flatMap(testsBelow));
if (files.length > 0) {
  const flags = ['--enable-source-maps', '--test', '--test-concurrency=2', '--test-timeout=900000'];
  run(...flags, ...(await bundleTests(files, STARTED)));
}
if (inVSCode) {
  await installing;
  // Installs it if that has failed, and says why if it fails again.
  run('scripts/e2e.mjs', '--built');
}
