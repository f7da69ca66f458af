/** Runs the VS Code of `server-install.ts` on loopback. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VSCodeServer } from './server-install.ts';

interface ServerOptions {
  /** Folder for settings, state and installed extensions; it may exist already. */
  home: string;
  /** Extensions to load: their folders, or `.vsix` files. */
  extensions: string[];
  /** User settings, written if there are none yet. */
  settings?: Record<string, unknown>;
  /** 0: any free port. */
  port?: number;
  /** More environment variables for it. */
  env?: Record<string, string>;
}

export interface RunningServer {
  /** Address without a folder. */
  url: string;
  process: ChildProcess;
  /** Its log so far. */
  log(): string;
  stop(): Promise<void>;
}

const START_TIMEOUT = 180_000;
/** What the server logs when its own process takes longer than 10 seconds to start, as on a busy machine. */
const GAVE_UP = /error timed out/;
const ATTEMPTS = 5;

/** Settings that keep a fresh VS Code quiet. */
const QUIET = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.enableExperiments': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
};

export async function startServer(server: VSCodeServer, options: ServerOptions): Promise<RunningServer> {
  const { home, settings = {}, port = 0 } = options;
  const extensions = path.join(home, 'extensions');
  const user = path.join(home, 'data/User');
  fs.mkdirSync(extensions, { recursive: true });
  fs.mkdirSync(user, { recursive: true });
  const settingsFile = path.join(user, 'settings.json');
  if (!fs.existsSync(settingsFile))
    fs.writeFileSync(settingsFile, JSON.stringify({ ...QUIET, ...settings }, null, 2));

  // Unix sockets must have short paths, and `home` may be deep.
  const sockets = fs.mkdtempSync(path.join(os.tmpdir(), 'pw-'));
  const common = [
    server.entry,
    ...['--user-data-dir', path.join(home, 'data')],
    ...['--extensions-dir', extensions],
    ...['--config', path.join(home, 'config.yaml')],
    ...['--session-socket', path.join(sockets, 's.sock')],
  ];
  const env = { ...environment(sockets), ...options.env };
  for (const extension of options.extensions) {
    if (!extension.endsWith('.vsix')) {
      link(extension, extensions);
      continue;
    }
    const install = ['--install-extension', path.resolve(extension), '--force'];
    execFileSync(server.node, [...common, ...install], { env, stdio: 'pipe' });
  }

  const logFile = path.join(home, 'server.log');
  const flags = [
    '--auth',
    'none',
    '--disable-telemetry',
    '--disable-update-check',
    '--disable-getting-started-override',
  ];
  const running = () => {
    fs.mkdirSync(sockets, { recursive: true });
    const log = fs.openSync(logFile, 'w');
    const child = spawn(server.node, [...common, '--bind-addr', `127.0.0.1:${port}`, ...flags], {
      env,
      stdio: ['ignore', log, log],
      detached: true,
    });
    fs.closeSync(log);
    return {
      process: child,
      log: () => fs.readFileSync(logFile, 'utf8'),
      stop: () => stop(child, sockets),
    };
  };
  return await untilListening(running);
}

/** Starts the server, again if it gave up on itself. @throws Error with its log if it does not start */
async function untilListening(start: () => Omit<RunningServer, 'url'>): Promise<RunningServer> {
  for (let attempt = 1; ; attempt++) {
    const running = start();
    try {
      return { ...running, url: await listening(running.process, running.log) };
    } catch (error) {
      const log = running.log();
      await running.stop();
      if (attempt === ATTEMPTS || !GAVE_UP.test(log)) throw error;
    }
  }
}

/** Loads an extension from its folder, by a link of the name that an installed one would have. */
function link(extension: string, extensions: string): void {
  const { publisher, name, version } = JSON.parse(
    fs.readFileSync(path.join(extension, 'package.json'), 'utf8'),
  );
  const place = path.join(extensions, `${publisher}.${name}-${version}`);
  fs.rmSync(place, { recursive: true, force: true });
  fs.symlinkSync(path.resolve(extension), place, 'dir');
  // VS Code caches its list of extensions, and makes a new one if there is none.
  fs.rmSync(path.join(extensions, 'extensions.json'), { force: true });
}

function environment(sockets: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('VSCODE_') && name !== 'NODE_OPTIONS' && name !== 'NODE_TEST_CONTEXT',
  );
  return {
    ...Object.fromEntries(inherited),
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
    XDG_RUNTIME_DIR: sockets,
  };
}

async function listening(child: ChildProcess, log: () => string): Promise<string> {
  const deadline = Date.now() + START_TIMEOUT;
  while (Date.now() < deadline && !hasEnded(child)) {
    const [, url] = /HTTP server listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(log()) ?? [];
    if (url) return url;
    await sleep(50);
  }
  const how = child.signalCode ? ` (${child.signalCode})` : '';
  throw new Error(`VS Code did not start${how}:\n${log()}`);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Ends the server and all processes that it started. */
async function stop(child: ChildProcess, sockets: string): Promise<void> {
  const exited = hasEnded(child) ? undefined : once(child, 'exit');
  signal(child, 'SIGTERM');
  await Promise.race([exited, sleep(5000, undefined, { ref: false })]);
  signal(child, 'SIGKILL');
  fs.rmSync(sockets, { recursive: true, force: true });
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, name);
  } catch {
    // The group is gone.
  }
}
