/**
 * As much of VS Code's API as pages and their handlers use: files of the disk, no user who answers, commands that are
 * noted.
 */
import { lstat, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { makeFolder } from '../../../engine/host/node/make-folder.ts';

export class Uri {
  readonly scheme: string;
  readonly path: string;

  private constructor(scheme: string, place: string) {
    this.scheme = scheme;
    this.path = place;
  }

  static file(place: string): Uri {
    return new Uri('file', pathToFileURL(place).pathname);
  }

  static parse(text: string): Uri {
    const [, scheme = 'file', rest = ''] = /^([a-z][\w+.-]*):(.*)$/is.exec(text) ?? [undefined, 'file', text];
    return new Uri(scheme, rest.replace(/^\/\/[^/]*/, ''));
  }

  with({ path: place = this.path }: { path?: string }): Uri {
    return new Uri(this.scheme, place);
  }

  static joinPath(base: Uri, ...parts: string[]): Uri {
    return new Uri(base.scheme, path.posix.join(base.path, ...parts));
  }

  get fsPath(): string {
    return fileURLToPath(new URL(`file://${this.path}`));
  }

  toString(): string {
    return `${this.scheme}://${this.path}`;
  }
}

export class EventEmitter<Event> {
  readonly #listeners = new Set<(event: Event) => unknown>();
  readonly event = (listener: (event: Event) => unknown) => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };

  fire(event: Event): void {
    for (const listener of this.#listeners) listener(event);
  }

  dispose(): void {
    this.#listeners.clear();
  }
}

export const FileType = {
  Unknown: 0,
  File: 1,
  Directory: 2,
  SymbolicLink: 64,
} as const;
export const FilePermission = {
  Readonly: 1,
} as const;
export const ViewColumn = {
  Active: -1,
  Beside: -2,
} as const;
export const ProgressLocation = {
  Window: 10,
  Notification: 15,
} as const;
export const StatusBarAlignment = {
  Right: 2,
} as const;
export const QuickPickItemKind = {
  Separator: -1,
} as const;
export const ConfigurationTarget = {
  Global: 1,
} as const;
export class TabInputWebview {}
export class TabInputCustom {}
export class TabInputText {}
export class ThemeIcon {}
export class TreeItem {}
export class MarkdownString {}
export class Range {}
export class RelativePattern {}
export class LanguageModelTextPart {}
export class LanguageModelToolResult {}

const never = () => ({ dispose() {} });
const nothing = async () => undefined;

const settings = new Map<string, unknown>();
const configured = new EventEmitter<{ affectsConfiguration(section: string): boolean }>();

/** Changes a setting of the section `patchwork`; undefined for its default. */
export function setSetting(name: string, value: unknown): void {
  settings.set(name, value);
  configured.fire({ affectsConfiguration: (section) => `patchwork.${name}`.startsWith(section) });
}

export const workspace = {
  fs: {
    isWritableFileSystem: () => true,
    async stat({ fsPath }: Uri) {
      const found = await stat(fsPath);
      const link = (await lstat(fsPath)).isSymbolicLink() ? FileType.SymbolicLink : 0;
      return {
        size: found.size,
        mtime: found.mtimeMs,
        type: link | (found.isFile() ? FileType.File : FileType.Directory),
        permissions: 0,
      };
    },
    readFile: async ({ fsPath }: Uri) => new Uint8Array(await readFile(fsPath)),
    writeFile: ({ fsPath }: Uri, bytes: Uint8Array) => writeFile(fsPath, bytes),
    createDirectory: ({ fsPath }: Uri) => makeFolder(fsPath),
    rename: (from: Uri, to: Uri) => rename(from.fsPath, to.fsPath),
    delete: ({ fsPath }: Uri) => rm(fsPath, { recursive: true }),
    async readDirectory({ fsPath }: Uri) {
      const entries = await readdir(fsPath, { withFileTypes: true });
      return entries.map((entry) => [entry.name, entry.isFile() ? FileType.File : FileType.Directory]);
    },
  },
  workspaceFolders: undefined as { uri: Uri; name: string; index: number }[] | undefined,
  isTrusted: true,
  getConfiguration: () => ({
    get: (name: string): unknown => settings.get(name),
    inspect: () => undefined,
    update: nothing,
  }),
  asRelativePath: (uri: Uri) => uri.path,
  getWorkspaceFolder: () => workspace.workspaceFolders?.[0],
  onDidChangeWorkspaceFolders: never,
  onDidChangeConfiguration: configured.event,
  createFileSystemWatcher: () => ({
    onDidChange: never,
    onDidCreate: never,
    onDidDelete: never,
    dispose() {},
  }),
};

/** A webview's panel, as the extension has it and as its page has it. */
export class Panel {
  readonly #sent = new EventEmitter<unknown>();
  readonly #disposed = new EventEmitter<void>();
  readonly visible = true;
  /** What the extension has sent, as the page gets it. */
  readonly received: { type: string; [field: string]: unknown }[] = [];
  title = '';
  iconPath: unknown;
  viewColumn = 1;
  readonly webview = {
    options: {},
    html: '',
    cspSource: 'self',
    asWebviewUri: (uri: Uri) => uri,
    onDidReceiveMessage: this.#sent.event,
    postMessage: async (message: { type: string }) => {
      this.received.push(structuredClone(message));
      return true;
    },
  };
  readonly onDidChangeViewState = never;
  readonly onDidDispose = (listener: () => unknown) => this.#disposed.event(listener);

  /** What a page does: the message is cloned on the way. */
  send(message: unknown): void {
    this.#sent.fire(structuredClone(message));
  }

  reveal(): void {}

  dispose(): void {
    this.#disposed.fire();
  }
}

/** The panels that were opened, the last one last. */
export const panels: Panel[] = [];

export const window = {
  activeTextEditor: undefined,
  tabGroups: { all: [], activeTabGroup: { viewColumn: 1 }, close: nothing },
  createWebviewPanel() {
    const panel = new Panel();
    panels.push(panel);
    return panel;
  },
  createStatusBarItem: () => ({ show() {}, hide() {}, dispose() {} }),
  withProgress: (_: unknown, task: (progress: unknown, token: unknown) => unknown) =>
    task({ report() {} }, { onCancellationRequested: never }),
  showErrorMessage: nothing,
  showInformationMessage: nothing,
  showWarningMessage: nothing,
  showOpenDialog: nothing,
  showSaveDialog: nothing,
  showQuickPick: nothing,
  showInputBox: nothing,
  createQuickPick: () => {
    const hidden = new EventEmitter<void>();
    return {
      items: [],
      onDidAccept: never,
      onDidChangeValue: never,
      onDidTriggerItemButton: never,
      onDidHide: hidden.event,
      show: () => hidden.fire(),
      hide() {},
      dispose() {},
    };
  },
  onDidChangeActiveTextEditor: never,
  onDidChangeTextEditorSelection: never,
};

/** Names of the commands that were asked for. */
export const commanded: string[] = [];
/** What commands return, by their names; tests may set it. */
export const commandAnswers = new Map<string, (...args: unknown[]) => unknown>();

export const commands = {
  async executeCommand(name: string, ...args: unknown[]) {
    commanded.push(name);
    return commandAnswers.get(name)?.(...args);
  },
  registerCommand: never,
};

export const UIKind = { Desktop: 1, Web: 2 };
export const ExtensionKind = { UI: 1, Workspace: 2 };
/** `env` of a window of one machine; tests may change it. */
export const env = {
  clipboard: { writeText: nothing },
  openExternal: nothing,
  uiKind: UIKind.Desktop,
  remoteName: undefined as string | undefined,
};
export const extensions = { getExtension: (_: string) => undefined as { extensionKind: number } | undefined };
export const lm = undefined;
