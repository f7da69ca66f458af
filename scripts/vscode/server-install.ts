/**
 * Installs a VS Code that runs in a browser (code-server) with the Node it needs, from the npm registry alone:
 * no compiler, no install scripts, nothing outside the checkout.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const CODE_SERVER = '4.139.1';
const NODE = '24.21.0';
const NPM_FLAGS = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

export interface VSCodeServer {
  /** The Node that runs it. */
  node: string;
  /** Its main script. */
  entry: string;
}

/** Where `npm start` and the end-to-end tests keep it; git ignores the folder. */
export const SERVER_FOLDER = path.resolve(import.meta.dirname, '../../.vscode-server');

/** The installed server in `folder`, installing it first if need be (about half a minute, 500 MB). */
export function installServer(folder = SERVER_FOLDER): VSCodeServer {
  const nodePackage = `node-${process.platform}-${process.arch}`;
  const server: VSCodeServer = {
    node: path.join(folder, 'node_modules', nodePackage, 'bin', 'node'),
    entry: path.join(folder, 'node_modules/code-server/out/node/entry.js'),
  };
  if (process.platform === 'win32')
    throw new Error('The browser version of VS Code does not run on Windows.');

  const stamp = path.join(folder, `.installed-${CODE_SERVER}-${NODE}`);
  if (fs.existsSync(stamp)) return server;

  console.error(`Installing VS Code for the browser (code-server ${CODE_SERVER}) in ${folder} …`);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), '{"private":true}\n');
  npm(folder, 'install', '--save-exact', `${nodePackage}@${NODE}`, `code-server@${CODE_SERVER}`);

  // Its own dependencies; not `npm ci`, because the lock file it ships does not match its package.json.
  const inner = path.join(folder, 'node_modules/code-server/lib/vscode');
  npm(inner, 'install', '--omit=dev');
  slim(path.join(inner, 'node_modules'));

  fs.writeFileSync(stamp, '');
  return server;
}

function npm(cwd: string, ...args: string[]): void {
  execFileSync('npm', [...args, ...NPM_FLAGS], { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Removes parts that nothing here uses, about 215 MB. */
function slim(modules: string): void {
  for (const name of [
    '@github',
    '@microsoft/mxc-sdk',
    '@vscode/windows-process-tree',
    '@vscode/windows-registry',
  ]) {
    fs.rmSync(path.join(modules, name), { recursive: true, force: true });
  }
  const ripgrep = path.join(modules, '@vscode/ripgrep-universal/bin');
  if (!fs.existsSync(ripgrep)) return;
  for (const platform of fs.readdirSync(ripgrep)) {
    if (platform === `${process.platform}-${process.arch}`) continue;
    fs.rmSync(path.join(ripgrep, platform), { recursive: true, force: true });
  }
}
