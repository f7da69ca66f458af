// Builds Patchwork and opens VS Code with it and the sample workspace: the desktop's `code` if there is one,
// else a VS Code in the browser, which is installed first if need be.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { startServer } from './vscode/server.ts';
import { installServer, SERVER_FOLDER } from './vscode/server-install.ts';

const PORT = 8420;
const root = path.resolve(import.meta.dirname, '..');
const workspace = path.join(root, 'samples/workspace');
/** Shown beside the walkthrough when the workspace is first opened: see extension/getStarted.ts. */
const welcome = { PATCHWORK_WELCOME: path.join(workspace, 'README.md') };

execFileSync(process.execPath, [path.join(root, 'scripts/build.mjs')], { cwd: root, stdio: 'inherit' });
const code = process.argv.includes('--browser') ? undefined : desktopCode();
if (code) openDesktop(code);
else await serve();

/** The desktop VS Code: from the PATH, or where it is usually installed. */
function desktopCode(): string | undefined {
  // Opening a window needs a display.
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return undefined;
  const inApp = 'Applications/Visual Studio Code.app/Contents/Resources/app/bin/code';
  const inFolder = 'Microsoft VS Code/bin/code.cmd';
  const windows = process.platform === 'win32';
  const onPath = (process.env.PATH ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, windows ? 'code.cmd' : 'code'));
  const usual: Partial<Record<NodeJS.Platform, string[]>> = {
    darwin: [path.join('/', inApp), path.join(os.homedir(), inApp)],
    win32: [
      path.join(process.env.LOCALAPPDATA ?? '', 'Programs', inFolder),
      path.join(process.env.PROGRAMFILES ?? '', inFolder),
    ],
    linux: ['/usr/bin/code', '/snap/bin/code'],
  };
  return [...onPath, ...(usual[process.platform] ?? [])].find((place) => fs.existsSync(place));
}

function openDesktop(code: string): void {
  const args = [`--extensionDevelopmentPath=${root}`, workspace];
  const windows = process.platform === 'win32';
  const env = { ...process.env, ...welcome };
  // A .cmd file runs only through the shell, which needs its arguments quoted.
  const { status, error } = windows
    ? spawnSync(
        `"${code}"`,
        args.map((arg) => `"${arg}"`),
        { shell: true, stdio: 'inherit', env },
      )
    : spawnSync(code, args, { stdio: 'inherit', env });
  if (error || status !== 0) throw error ?? new Error(`${code} ended with exit code ${status}.`);
  console.log(
    'VS Code is open with Patchwork loaded. The walkthrough beside the README says what to try first.',
  );
}

async function serve(): Promise<void> {
  if (process.platform === 'win32') {
    console.error('No VS Code found. Install it from code.visualstudio.com, then run `npm start` again.');
    process.exit(1);
  }
  const server = await startServer(installServer(), {
    home: path.join(SERVER_FOLDER, 'home'),
    extensions: [root],
    settings: { 'security.workspace.trust.enabled': false, 'chat.disableAIFeatures': true },
    env: welcome,
    port: await freePort(PORT),
  });
  console.log(`\nVS Code with Patchwork:  ${server.url}/?folder=${encodeURIComponent(workspace)}\n`);
  console.log('The walkthrough there says what to try first. Ctrl+C here ends it.');
  const failed = (code: number | null) => process.exit(code ?? 1);
  server.process.once('exit', failed);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.process.off('exit', failed);
      void server.stop().then(() => process.exit(0));
    });
  }
}

/** `preferred` if nothing listens there, else any. */
async function freePort(preferred: number): Promise<number> {
  return await new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(0));
    probe.listen(preferred, '127.0.0.1', () => probe.close(() => resolve(preferred)));
  });
}
