import { type Disposable, type Selection, type TextDocument, window } from 'vscode';

/** Where the user last had the cursor; a webview that takes the focus does not change it. */
export class LastEditor implements Disposable {
  #document: TextDocument | undefined;
  #selection: Selection | undefined;
  readonly #listeners: Disposable[];

  constructor() {
    this.#remember();
    this.#listeners = [
      window.onDidChangeActiveTextEditor(() => this.#remember()),
      window.onDidChangeTextEditorSelection(() => this.#remember()),
    ];
  }

  /** The document and the selection in it, if the document is still open. */
  get place(): { document: TextDocument; selection: Selection } | undefined {
    if (!this.#document || !this.#selection || this.#document.isClosed) return undefined;
    return { document: this.#document, selection: this.#selection };
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
  }

  #remember(): void {
    const editor = window.activeTextEditor;
    // Output channels are text editors too, but nobody writes in them.
    if (!editor || editor.document.uri.scheme === 'output') return;
    this.#document = editor.document;
    this.#selection = editor.selection;
  }
}
