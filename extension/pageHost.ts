import { TabInputWebview, Uri, type ViewColumn, type WebviewPanel, type WebviewView, window } from 'vscode';
import { pageHtml, pageRoots } from './html.ts';
import type { CheckMessage } from './pageMessages.ts';
import { uriOf } from './storedUri.ts';

interface PageOptions<FromPage> {
  /** Name of the bundle in `dist`. */
  name: string;
  title: string;
  /** Our icon on the tab (default); a file's editor has the file's. */
  icon?: boolean;
  /** More folders that the page may load images from. */
  roots?: readonly Uri[];
  /** The page has loaded and listens; it gets the whole state now. */
  onReady: () => void;
  /** Messages that do not pass are dropped. */
  check: CheckMessage<FromPage>;
  onMessage: (message: FromPage) => void;
}

/**
 * A panel or a view of the side bar with a page in it. VS Code unloads the page when it is hidden and loads it again
 * when it comes to the front: it is `ready` each time.
 */
export class PageHost<ToPage, FromPage extends { type: string }> {
  readonly #panel: WebviewPanel | WebviewView;
  #ready = false;
  #closed = false;

  constructor(panel: WebviewPanel | WebviewView, extension: Uri, options: PageOptions<FromPage>) {
    this.#panel = panel;
    const isPanel = 'onDidChangeViewState' in panel;
    if (isPanel && options.icon !== false) panel.iconPath = Uri.joinPath(extension, 'media/patchwork.svg');
    const localResourceRoots = [...pageRoots(extension), ...(options.roots ?? [])];
    panel.webview.options = { enableScripts: true, localResourceRoots };
    panel.webview.onDidReceiveMessage((sent: unknown) => {
      const message = options.check(sent);
      if (!message) return;
      if (message.type !== 'ready') return options.onMessage(message);
      this.#ready = true;
      options.onReady();
    });
    const hidden = () => {
      if (!panel.visible) this.#ready = false;
    };
    if (isPanel) panel.onDidChangeViewState(hidden);
    else panel.onDidChangeVisibility(hidden);
    panel.onDidDispose(() => {
      this.#closed = true;
    });
    panel.webview.html = pageHtml(panel.webview, extension, options.name, options.title);
  }

  /** The page is loaded and listens. */
  get ready(): boolean {
    return this.#ready;
  }

  get visible(): boolean {
    return !this.#closed && this.#panel.visible;
  }

  setTitle(title: string): void {
    if (!this.#closed) this.#panel.title = title;
  }

  reveal(): void {
    if ('reveal' in this.#panel) this.#panel.reveal();
    else this.#panel.show();
  }

  /** The address by which the page loads a file in one of its `roots`. */
  address(file: string): string {
    return this.#panel.webview.asWebviewUri(uriOf(file)).toString();
  }

  /** Waits until the page listens: it gets the whole state then, and queued messages would delay its loading. */
  post(message: ToPage): void {
    if (this.#ready && !this.#closed) void this.#panel.webview.postMessage(message);
  }
}

/** Closes a tab that VS Code has restored after a reload but not filled yet; returns its column. */
export function closeUnfilled(viewType: string): ViewColumn | undefined {
  for (const { tabs, viewColumn } of window.tabGroups.all)
    for (const tab of tabs) {
      // VS Code puts a name of its own before ours.
      if (!(tab.input instanceof TabInputWebview && tab.input.viewType.endsWith(viewType))) continue;
      void window.tabGroups.close(tab);
      return viewColumn;
    }
  return undefined;
}
