import { type Disposable, type Selection, type TextDocument, type ViewColumn, window } from 'vscode';

/** A cursor in a document, and the column of editors that it was seen in. */
export interface Place {
  document: TextDocument;
  selection: Selection;
  viewColumn: ViewColumn | undefined;
}

/** Where the user last had the cursor; a webview that takes the focus does not change it. */
export class LastEditor implements Disposable {
  #place: Place | undefined;
  readonly #listeners: Disposable[];

  constructor() {
    this.#remember();
    this.#listeners = [
      window.onDidChangeActiveTextEditor(() => this.#remember()),
      window.onDidChangeTextEditorSelection(() => this.#remember()),
    ];
  }

  /** Undefined if the document is no longer open. */
  get place(): Place | undefined {
    return this.#place?.document.isClosed ? undefined : this.#place;
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
  }

  #remember(): void {
    const editor = window.activeTextEditor;
    // Output channels are text editors too, but no one writes in them.
    if (!editor || editor.document.uri.scheme === 'output') return;
    const { document, selection, viewColumn } = editor;
    this.#place = { document, selection, viewColumn };
  }
}
