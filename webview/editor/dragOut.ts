import type { EditorPage } from './page.ts';
import { pictureBlob } from './selection.ts';

/** Dragging the image out of the page: editors take the file's address, other programs a PNG of the image. */
export class DragOut {
  readonly #page: EditorPage;
  /** Address of the PNG, once it is encoded. */
  #url: string | undefined;

  constructor(page: EditorPage) {
    this.#page = page;
    document.addEventListener('pointerdown', ({ target }) => {
      // Encoding takes longer than a drag may wait, so it begins with the press.
      if (!(target instanceof Element) || !target.closest('[data-action=drag]') || this.#url) return;
      void pictureBlob(page.stage, 'picture').then(
        (blob) => this.#keep(blob),
        () => {},
      );
    });
  }

  /** Puts the image on a drag that begins. */
  start({ dataTransfer, target }: DragEvent): void {
    const { state } = this.#page;
    if (!state || !dataTransfer) return;
    dataTransfer.effectAllowed = 'copy';
    dataTransfer.setData('text/uri-list', state.uri);
    dataTransfer.setData('application/vnd.code.uri-list', state.uri);
    if (this.#url) {
      const name = state.name.replace(/\.[^.]*$/, '.png');
      dataTransfer.setData('DownloadURL', `image/png:${name}:${this.#url}`);
    }
    dataTransfer.setDragImage(target as Element, 8, 8);
  }

  /** The image has other pixels: the PNG is encoded again at the next press. */
  changed(): void {
    this.#keep(undefined);
  }

  #keep(blob: Blob | undefined): void {
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = blob && URL.createObjectURL(blob);
  }
}
