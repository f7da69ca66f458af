import type { Uri, WebviewPanel } from 'vscode';
import { shorten } from '../shared/names.ts';
import type { Draft, HostMessage, PageMessage, PictureInfo, ViewState } from '../shared/viewProtocol.ts';
import { PageHost } from './pageHost.ts';

/** The page of a Patchwork view, and all that it shows. */
export class ViewPage {
  readonly #page: PageHost<HostMessage, PageMessage>;
  #state: ViewState = { pictures: [] };
  /** A draft that the page has not been told. */
  #draft: Draft | undefined;
  #preview: Uint8Array | undefined;

  constructor(panel: WebviewPanel, extension: Uri, onMessage: (message: PageMessage) => void) {
    const onReady = () => this.#tellAll();
    this.#page = new PageHost(panel, extension, { name: 'view', title: 'Patchwork', onReady, onMessage });
  }

  get state(): ViewState {
    return this.#state;
  }

  get visible(): boolean {
    return this.#page.visible;
  }

  update(change: Partial<ViewState>): void {
    this.#state = { ...this.#state, ...change };
    if (!this.#state.run) this.#preview = undefined;
    this.#page.post({ type: 'state', state: this.#state });
  }

  setTitle(prompt: string): void {
    this.#page.setTitle(`Patchwork: ${shorten(prompt, 24)}`);
  }

  setDraft(draft: Draft): void {
    if (this.#page.ready) this.#page.post({ type: 'draft', draft });
    else this.#draft = draft;
  }

  setPreview(png: Uint8Array): void {
    this.#preview = png;
    this.#page.post({ type: 'preview', png: new Uint8Array(png) });
  }

  tellPicture({ id }: PictureInfo, png: Uint8Array<ArrayBuffer>): void {
    this.#page.post({ type: 'picture', id, png });
  }

  reveal(): void {
    this.#page.reveal();
  }

  #tellAll(): void {
    if (this.#draft) this.setDraft(this.#draft);
    this.#draft = undefined;
    this.update({});
    if (this.#preview) this.setPreview(this.#preview);
  }
}
