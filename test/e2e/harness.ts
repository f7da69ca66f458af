/** A real VS Code with Patchwork in it and a browser that shows it, for the end-to-end tests. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, type BrowserContext, chromium, type FrameLocator, type Page } from 'playwright-core';
import { type RunningServer, startServer } from '../../scripts/vscode/server.ts';
import { installServer } from '../../scripts/vscode/server-install.ts';
import { UNOPTIMIZED } from '../web/server.ts';
import { descendants } from './processes.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const OUT = path.join(ROOT, '.e2e/out');
/** Patience for what takes a second, which a machine can be too busy for. */
const WAIT = 300_000;
/**
 * Patience for the extension host. VS Code itself waits a minute for it, which a machine can be too busy for, and does
 * not try again: the window is loaded again then.
 */
const HOSTED = 120_000;
const LOADS = 3;
/** Where the extension in `host/` says on which port it listens. */
const PORT_FILE = 'host-port';

/** Parts of VS Code that get in the way of tests. */
const SETTINGS = {
  'security.workspace.trust.enabled': false,
  'chat.disableAIFeatures': true,
  'git.enabled': false,
  // Browsers save by themselves, which hides whether a document is dirty.
  'files.autoSave': 'off',
  'workbench.colorTheme': 'Default Dark Modern',
  'editor.minimap.enabled': false,
  'editor.lightbulb.enabled': 'off',
};

export interface Workbench {
  page: Page;
  /** The folder that is open: a copy of the sample workspace. */
  workspace: string;
  /** The document of the webview that is seen. */
  view: FrameLocator;
  /** Violations of content security policies in the browser's console. */
  violations: string[];
  /** F1, then the command of this title. */
  run(title: string): Promise<void>;
  openFile(name: string): Promise<void>;
  /** Types a full path into VS Code's own file dialog. */
  answerDialog(file: string): Promise<void>;
  /** Runs a function in the extension host; it cannot use anything of the test but its arguments. */
  inHost<Args extends unknown[], Result>(
    run: (vscode: typeof import('vscode'), ...args: Args) => Result | PromiseLike<Result>,
    ...args: Args
  ): Promise<Result>;
  /** Changes a user setting; undefined resets it. */
  set(name: string, value: unknown): Promise<void>;
  /** Goes to a window in which no folder is open. */
  openEmptyWindow(): Promise<void>;
  /** Goes to a window with a folder: its path on the server, or its address. */
  openFolder(folder: string): Promise<void>;
  /** Waits until extensions run in the window. */
  hosted(): Promise<void>;
  /** Reloads the window. */
  reload(): Promise<void>;
  /** Process ids of the engines that this VS Code runs. */
  engines(): number[];
  /** Lets the engine stand still while something is done. */
  holding(body: () => Promise<void>): Promise<void>;
  /** The folder that the extension keeps for all workspaces. */
  globalStorage(): string;
  /** Files that the extension keeps for this workspace, which backups of documents are among. */
  workspaceStorage(): string[];
  screenshot(name: string): Promise<void>;
  serverLog(): string;
  close(): Promise<void>;
}

interface BrowserOptions {
  /** Isolates the window from other origins, so that its workers can share memory. */
  isolated?: boolean;
  /** Further flags of the browser. */
  flags?: readonly string[];
}

/**
 * Starts a server of its own with fresh settings, and `settings`, and opens the workbench; `env` is added to its
 * environment.
 */
export async function openWorkbench(
  env: Record<string, string> | ((workspace: string) => Record<string, string>) = {},
  settings: Record<string, unknown> = {},
  { isolated = false, flags = [] }: BrowserOptions = {},
): Promise<Workbench> {
  fs.mkdirSync(OUT, { recursive: true });
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'patchwork-e2e-'));
  const workspace = path.join(home, 'picture-book');
  fs.cpSync(path.join(ROOT, 'samples/workspace'), workspace, { recursive: true });
  const server = await startServer(installServer(), {
    home,
    extensions: [process.env.PATCHWORK_EXTENSION ?? ROOT, path.join(import.meta.dirname, 'host')],
    settings: { ...SETTINGS, ...settings },
    env: {
      ...(typeof env === 'function' ? env(workspace) : env),
      PATCHWORK_E2E_PORT_FILE: path.join(home, PORT_FILE),
    },
  });
  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    await server.stop();
    fs.rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--disable-background-networking',
        UNOPTIMIZED,
        ...(isolated ? ISOLATED : []),
        ...flags,
      ],
    });
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    // tsx wraps named functions in calls of this.
    await context.addInitScript('globalThis.__name = (named) => named');
    context.setDefaultTimeout(WAIT);
    const page = await context.newPage();
    const violations: string[] = [];
    page.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) violations.push(message.text());
    });
    if (isolated) await isolate(context, server.url);
    const address = `${server.url}/?folder=${encodeURIComponent(workspace)}`;
    await page.goto(address, { waitUntil: 'domcontentloaded' });
    await page.locator('.monaco-workbench').waitFor();
    const opened = workbench(page, { home, workspace, server, violations, close });
    await opened.hosted();
    return opened;
  } catch (error) {
    await close();
    throw error;
  }
}

/** A browser does not know where answers that were changed come from, and would keep them from this machine's server. */
const ISOLATED = ['--disable-features=LocalNetworkAccessChecks'];

/** Adds the headers that isolate pages, as a server would send them. */
async function isolate(context: BrowserContext, origin: string): Promise<void> {
  await context.route(`${origin}/**`, async (route) => {
    const type = route.request().resourceType();
    if (type !== 'document' && type !== 'script' && type !== 'other') return await route.fallback();
    const response = await route.fetch();
    await route.fulfill({
      response,
      headers: {
        ...response.headers(),
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
      },
    });
  });
}

interface Parts {
  home: string;
  workspace: string;
  server: RunningServer;
  violations: string[];
  close: () => Promise<void>;
}

async function answerDialog(page: Page, file: string): Promise<void> {
  const input = page.locator('.quick-input-widget input.input');
  await input.waitFor();
  // The dialog writes into its field until it has read its first folder, and overwrites what is typed meanwhile.
  for (const deadline = Date.now() + WAIT; ; ) {
    const begun = (await input.inputValue()).startsWith('/');
    if (begun) await input.fill(file);
    await sleep(500);
    if (begun && (await input.inputValue()) === file) break;
    if (Date.now() > deadline) throw new Error(`The file dialog does not take ${file}.`);
  }
  await page.keyboard.press('Enter');
  // The command that asked for the file may continue with another list.
  await until(
    async () => !(await input.isVisible()) || (await input.inputValue()) !== file,
    'the file dialog to close',
  );
}

/** The extension host of the window, which `portFile` tells of. */
function extensionHost(page: Page, portFile: string): Pick<Workbench, 'hosted' | 'inHost'> {
  // The file is there a moment before the port is in it.
  const isHosted = () => fs.existsSync(portFile) && fs.statSync(portFile).size > 0;
  const hosted = async () => {
    for (let load = 1; ; load++) {
      try {
        return await until(isHosted, 'the extension host', load * HOSTED);
      } catch (error) {
        if (load === LOADS) throw error;
        await page.reload({ waitUntil: 'domcontentloaded' });
      }
    }
  };
  const inHost: Workbench['inHost'] = async (run, ...args) => {
    await until(isHosted, 'the extension host');
    const body = JSON.stringify({ source: run.toString(), args });
    const port = fs.readFileSync(portFile, 'utf8');
    const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body });
    const { result, error } = await response.json();
    if (error) throw new Error(error);
    return result;
  };
  return { hosted, inHost };
}

function workbench(page: Page, { home, workspace, server, violations, close }: Parts): Workbench {
  const portFile = path.join(home, PORT_FILE);
  const { hosted, inHost } = extensionHost(page, portFile);
  const goTo = async (query: string) => {
    fs.rmSync(portFile, { force: true });
    await page.goto(`${server.url}/?${query}`, { waitUntil: 'domcontentloaded' });
    await page.locator('.monaco-workbench').waitFor();
    await hosted();
  };
  const engines = () =>
    descendants(server.process.pid!)
      .filter(({ args }) => /engine\.mjs/.test(args))
      .map(({ pid }) => pid);
  return {
    page,
    workspace,
    violations,
    close,
    hosted,
    inHost,
    view: page
      .locator('iframe.webview.ready')
      .filter({ visible: true })
      .contentFrame()
      .locator('iframe#active-frame')
      .contentFrame(),
    run: (title) => pick(page, `>${title}`, title),
    openFile: (name) => pick(page, name, name),
    answerDialog: (file) => answerDialog(page, file),
    set: (name, value) =>
      inHost(
        (vscode, ...setting) => vscode.workspace.getConfiguration().update(...setting, true),
        name,
        value,
      ),
    openEmptyWindow: () => goTo('ew=true'),
    openFolder: (folder) => goTo(`folder=${encodeURIComponent(folder)}`),
    async reload() {
      fs.rmSync(portFile, { force: true });
      // Waited for from the start: the window may have reloaded before the pick has ended.
      const reloaded = page.waitForEvent('domcontentloaded');
      await Promise.all([reloaded, pick(page, '>Developer: Reload Window', 'Developer: Reload Window')]);
      await hosted();
    },
    engines,
    async holding(body) {
      const held = engines();
      for (const pid of held) signal(pid, 'SIGSTOP');
      try {
        await body();
      } finally {
        for (const pid of held) signal(pid, 'SIGCONT');
      }
    },
    globalStorage: () => path.join(home, 'data/User/globalStorage/patchwork.patchwork'),
    workspaceStorage: () => workspaceStorage(home),
    async screenshot(name) {
      await page.screenshot({ path: path.join(OUT, `${name}.png`) });
    },
    serverLog: server.log,
  };
}

function workspaceStorage(home: string): string[] {
  const root = path.join(home, 'data/User/workspaceStorage');
  if (!fs.existsSync(root)) return [];
  const files = fs.readdirSync(root, { recursive: true, withFileTypes: true });
  return files
    .filter((entry) => entry.isFile() && entry.parentPath.includes('patchwork.patchwork'))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

/** Waits for a condition that the page does not show. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  patience = WAIT,
): Promise<void> {
  for (const deadline = Date.now() + patience; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
    await sleep(50);
  }
}

/** Picks a row of the palette. Its list is made while one types, so this tries until commands are registered. */
async function pick(page: Page, query: string, rowText: string): Promise<void> {
  const input = page.locator('.quick-input-widget input.input');
  const row = page.locator('.quick-input-list .monaco-list-row', { hasText: rowText }).first();
  // More patience at each try: a busy machine takes long to draw the list.
  for (let [deadline, patience] = [Date.now() + WAIT, 2000]; ; patience *= 2) {
    await page.keyboard.press('F1');
    try {
      await input.fill(query, { timeout: 2 * patience });
      await row.click({ timeout: patience });
      return;
    } catch (error) {
      if (Date.now() > deadline)
        throw new Error(`The palette does not offer “${rowText}”.`, { cause: error });
      await page.keyboard.press('Escape');
    }
  }
}

/** Engines end when they are not needed, so one may be gone. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
