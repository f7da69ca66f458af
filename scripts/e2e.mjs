// Runs the end-to-end tests in a real VS Code: sets up what they need, builds, and runs test/e2e.
//   node scripts/e2e.mjs [EXTENSION | --built | --install]
// EXTENSION: a .vsix file or an unpacked extension that is tested instead of the checkout; --built: the checkout is
// built already; --install: only installs the VS Code
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { register } from 'tsx/esm/api';
import { bundleTests } from './testBundles.mjs';

register();
const { findBrowser, withoutBrowser } = await import('./vscode/browser.ts');
const { installServer } = await import('./vscode/server-install.ts');

const root = path.dirname(import.meta.dirname);
const { values: only, positionals } = parseArgs({
  options: { built: { type: 'boolean' }, install: { type: 'boolean' } },
  allowPositionals: true,
});

if (process.platform === 'win32')
  end(0, 'End-to-end tests skipped: the VS Code they drive (code-server) does not run on Windows; use WSL.');
const browser = namedBrowser();
if (!browser) {
  const { code, sentence } = withoutBrowser(process.env);
  end(code, sentence);
}
installServer();
if (only.install) process.exit();

const extension = positionals[0] ? path.resolve(positionals[0]) : root;
if (extension === root && !only.built) run('scripts/build.mjs');
const folder = path.join('test', 'e2e');
const tests = readdirSync(path.join(root, folder)).filter((name) => name.endsWith('.e2e.ts'));
const bundles = await bundleTests(tests.map((name) => path.join(folder, name)));
// One at a time: beside another VS Code, on two cores, a window can be too slow for what a step does at once.
const runner = ['--enable-source-maps', 'scripts/testRunner.mjs', '--concurrency', '1', '--minutes', '40'];
run(...runner, ...bundles);

function run(...args) {
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, CHROMIUM: browser, PATCHWORK_EXTENSION: extension },
  });
  if (status !== 0) process.exit(status ?? 1);
}

function namedBrowser() {
  try {
    return findBrowser();
  } catch (error) {
    return end(1, error.message);
  }
}

function end(code, sentence) {
  console.error(sentence);
  process.exit(code);
}
