import { Uri, type WebviewPanel } from 'vscode';
import type { Draft, HostMessage, PageMessage, PictureInfo, ViewState } from '../webview/protocol.ts';
import { pageHtml, pageRoots } from './html.ts';
import { shorten } from './names.ts';

/**
 * The panel of a Patchwork view with the page in it. VS Code unloads the page of a hidden tab and loads it again
 * when it comes to the front, so this keeps all that the page shows.
 */
export class ViewPage {
  readonly #panel: WebviewPanel;
  #state: ViewState = { pictures: [] };
  /** A draft that the page has not been told. */
  #draft: Draft | undefined;
  #preview: Uint8Array | undefined;
  /** The page is loaded and listens. */
  #ready = false;
  #closed = false;

  constructor(panel: WebviewPanel, extension: Uri, onMessage: (message: PageMessage) => void) {
    this.#panel = panel;
    panel.iconPath = Uri.joinPath(extension, 'media/patchwork.svg');
    panel.webview.options = { enableScripts: true, localResourceRoots: pageRoots(extension) };
    panel.webview.onDidReceiveMessage((message: PageMessage) => {
      if (message.type === 'ready') this.#tellAll();
      else onMessage(message);
    });
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.#ready = false;
    });
    panel.onDidDispose(() => {
      this.#closed = true;
    });
    panel.webview.html = pageHtml(panel.webview, extension, 'view', 'Patchwork');
  }

  get state(): ViewState {
    return this.#state;
  }

  get visible(): boolean {
    return !this.#closed && this.#panel.visible;
  }

  update(change: Partial<ViewState>): void {
    this.#state = { ...this.#state, ...change };
    if (!this.#state.run) this.#preview = undefined;
    this.#post({ type: 'state', state: this.#state });
  }

  setTitle(prompt: string): void {
    if (!this.#closed) this.#panel.title = `Patchwork: ${shorten(prompt, 24)}`;
  }

  setDraft(draft: Draft): void {
    if (this.#ready) this.#post({ type: 'draft', draft });
    else this.#draft = draft;
  }

  setPreview(png: Uint8Array): void {
    this.#preview = png;
    this.#post({ type: 'preview', png: new Uint8Array(png) });
  }

  tellPicture({ id }: PictureInfo, png: Uint8Array<ArrayBuffer>): void {
    this.#post({ type: 'picture', id, png });
  }

  reveal(): void {
    this.#panel.reveal();
  }

  #tellAll(): void {
    this.#ready = true;
    if (this.#draft) this.setDraft(this.#draft);
    this.#draft = undefined;
    this.update({});
    if (this.#preview) this.setPreview(this.#preview);
  }

  /** Not before the page listens: it is told everything then, and what is queued for it would delay its loading. */
  #post(message: HostMessage): void {
    if (this.#ready && !this.#closed) void this.#panel.webview.postMessage(message);
  }
}
