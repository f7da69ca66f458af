import { Uri, type WebviewPanel } from 'vscode';
import { pageHtml, pageRoots } from './html.ts';

interface PageOptions<FromPage> {
  /** Of the bundle in `dist`. */
  name: string;
  title: string;
  /** Our icon on the tab (default); a file's editor has the file's. */
  icon?: boolean;
  /** The page is loaded and listens; it is told everything now. */
  onReady: () => void;
  onMessage: (message: FromPage) => void;
}

/**
 * A panel with a page in it. VS Code unloads the page of a hidden tab and loads it again when it comes to the front:
 * it is `ready` each time.
 */
export class PageHost<ToPage, FromPage extends { type: string }> {
  readonly #panel: WebviewPanel;
  #ready = false;
  #closed = false;

  constructor(panel: WebviewPanel, extension: Uri, options: PageOptions<FromPage>) {
    this.#panel = panel;
    if (options.icon !== false) panel.iconPath = Uri.joinPath(extension, 'media/patchwork.svg');
    panel.webview.options = { enableScripts: true, localResourceRoots: pageRoots(extension) };
    panel.webview.onDidReceiveMessage((message: FromPage) => {
      if (message.type !== 'ready') return options.onMessage(message);
      this.#ready = true;
      options.onReady();
    });
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.#ready = false;
    });
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
    this.#panel.reveal();
  }

  /** Not before the page listens: it is told everything then, and what is queued for it would delay its loading. */
  post(message: ToPage): void {
    if (this.#ready && !this.#closed) void this.#panel.webview.postMessage(message);
  }
}
