import type { WebviewPanel } from 'vscode';
import type { Draft, HostMessage, PageMessage, ViewState } from '../../shared/viewProtocol.ts';
import { PageHost } from '../pageHost.ts';
import { checkViewMessage } from '../pageMessages.ts';
import type { Services } from '../services.ts';
import { uriOf } from '../storedUri.ts';

/** The page of the Patchwork view, and all that it shows. */
export class ViewPage {
  readonly #page: PageHost<HostMessage, PageMessage>;
  #state: ViewState;
  /** The form, if the page does not have it yet. */
  #draft: { draft: Partial<Draft>; typed: boolean } | undefined;
  readonly #kept: string;
  #preview: { job: string; png: Uint8Array } | undefined;

  constructor(
    panel: WebviewPanel,
    { extensionUri, gallery, kept }: Services,
    state: ViewState,
    onMessage: (message: PageMessage) => void,
  ) {
    this.#state = state;
    this.#kept = kept.folder;
    this.#page = new PageHost(panel, extensionUri, {
      name: 'view',
      title: 'Patchwork',
      roots: [uriOf(gallery.folder), uriOf(kept.folder)],
      check: checkViewMessage,
      onReady: () => this.#tellAll(),
      onMessage,
    });
  }

  get state(): ViewState {
    return this.#state;
  }

  get visible(): boolean {
    return this.#page.visible;
  }

  update(change: Partial<ViewState>): void {
    this.#state = { ...this.#state, ...change };
    if (!this.#state.making) this.#preview = undefined;
    this.#page.post({ type: 'state', state: this.#state });
  }

  /** @param typed the user had typed it */
  fill(draft: Partial<Draft>, typed = false): void {
    if (this.#page.ready) this.#page.post({ type: 'draft', draft, typed });
    else this.#draft = { draft: { ...this.#draft?.draft, ...draft }, typed };
  }

  setPreview(job: string, png: Uint8Array): void {
    this.#preview = { job, png };
    this.#page.post({ type: 'preview', job, png: new Uint8Array(png) });
  }

  tell(message: HostMessage): void {
    this.#page.post(message);
  }

  address(file: string): string {
    return this.#page.address(file);
  }

  reveal(): void {
    this.#page.reveal();
  }

  #tellAll(): void {
    this.#page.post({ type: 'keptAt', address: this.#page.address(this.#kept) });
    if (this.#draft) this.#page.post({ type: 'draft', ...this.#draft });
    this.#draft = undefined;
    this.update({});
    if (this.#preview) this.setPreview(this.#preview.job, this.#preview.png);
  }
}
