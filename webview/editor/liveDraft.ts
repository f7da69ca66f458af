import type { EditorPageMessage } from '../../shared/editorProtocol.ts';
import { hindranceOf } from './hindrance.ts';
import type { EditorPage } from './page.ts';

/** Milliseconds without a change after which a draft is asked for. */
const REST = 250;

interface EditorParts {
  page: EditorPage;
  send(message: EditorPageMessage): void;
}

/** Asks for drafts of the edit while its mask is painted. */
export class LiveDraft {
  readonly #editor: EditorParts;
  #waiting: number | undefined;
  /** A draft was asked for since the last was hidden. */
  #asked = false;
  /** The form's draft has not been asked for as it is now. */
  #due = false;

  constructor(editor: EditorParts) {
    this.#editor = editor;
  }

  /** Mask, form or image have changed. */
  soon(): void {
    this.stop();
    this.#due = true;
    this.#waiting = window.setTimeout(() => this.#ask(), REST);
  }

  /** A run begins, which hides the draft: it comes back if there is still one to make when the run has ended. */
  runBegins(): void {
    this.#asked = false;
    this.#due = true;
  }

  /** What kept a draft from being made has ended. */
  free(): void {
    if (this.#due) this.soon();
  }

  #ask(): void {
    const { page, send } = this.#editor;
    const possible = isDraftable(page);
    if (possible) send({ type: 'live', draft: page.draft });
    else if (this.#asked) send({ type: 'live' });
    this.#asked = possible;
    this.#due &&= !possible;
  }

  /** A stroke begins: the draft that is being made is of no use any more. */
  stop(): void {
    clearTimeout(this.#waiting);
    if (this.#asked) this.#editor.send({ type: 'stopLive' });
  }
}

/** Whether a draft of the form's edit can be made now. */
export function isDraftable(page: EditorPage): boolean {
  const { state, live, draft } = page;
  if (!live.on || draft.way !== 'mask' || page.crop || !state) return false;
  const isBusy = isOccupied(state);
  return !isBusy && hindranceOf(page) === undefined;
}

/** What keeps drafts from being made, for a while. */
export function isOccupied(state: EditorPage['state']): boolean {
  return Boolean(state?.run ?? state?.preparing ?? state?.maskTaken) || (state?.variations.length ?? 0) > 0;
}
