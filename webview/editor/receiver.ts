import type { EditorCommand, EditorHostMessage, EditorState, EditRow } from '../../shared/editorProtocol.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import type { Editor } from './editor.ts';
import { hindranceOf } from './hindrance.ts';
import { type EditorActions, isFaded } from './page.ts';
import { PictureLayer } from './pictureLayer.ts';
import { toolOf } from './tools/index.ts';

/** Handles the extension host's messages. Each is awaited before the next. */
export class Receiver {
  readonly #editor: Editor;
  readonly #actions: EditorActions;

  constructor(editor: Editor, actions: EditorActions) {
    this.#editor = editor;
    this.#actions = actions;
  }

  async receive(message: EditorHostMessage): Promise<void> {
    const { page, stage } = this.#editor;
    switch (message.type) {
      case 'open':
        await this.#open(message);
        break;
      case 'state':
        this.#setState(message.state);
        break;
      case 'draft':
        this.#editor.fill(message.draft);
        break;
      case 'command':
        this.#command(message.command);
        break;
      case 'frame':
        if (!stage.picture) break;
        stage.reframe(stage.picture.reframed(message.frame), page.state?.name ?? '');
        this.#opened();
        break;
      case 'pixels':
        stage.write(message.patch);
        this.#editor.dragOut.changed();
        break;
      case 'objects':
        stage.select(message.patch);
        break;
      case 'mask':
      case 'control':
      case 'colours':
        this.#draw(message);
        break;
      case 'controlModel':
        this.#actions.edit({ control: { ...page.draft.control, model: message.model } });
        break;
      case 'preview':
        await stage.preview(message.part);
        break;
      case 'variation':
        if (stage.picture) await this.#editor.variations.add(message.id, message.patch, stage.picture);
        break;
      case 'live':
        this.#editor.showDraft(message);
        break;
      case 'hover':
        stage.showHover(message.patch);
        break;
      case 'edits':
        this.#list(message.edits);
        break;
      case 'thumbnail':
        await this.#editor.drawnEdits.add(message.id, message.picture);
        break;
      case 'cost':
        page.cost = message.cost;
        if (page.level !== undefined) this.#editor.showLevel(message.cost ? page.level : undefined);
        break;
      default:
        page.additions.receive(message);
    }
    this.#editor.update();
  }

  #setState(state: EditorState): void {
    const begins = state.variations.length > 0 && !this.#editor.page.state?.variations.length;
    this.#editor.setState(state);
    if (!begins) return;
    this.#editor.update();
    // The field for how many there are is at the end of the panel, the choice at its beginning.
    document.querySelector('.side-scroll')!.scrollTo({ top: 0 });
  }

  /** A layer over the picture has new values. */
  #draw({ type, patch }: Extract<EditorHostMessage, { type: 'mask' | 'control' | 'colours' }>): void {
    this.#editor.page.stage[type]?.write(patch);
    if (type === 'control') this.#editor.controlChanged();
    else if (type === 'colours') this.#editor.coloursChanged();
    else this.#editor.maskChanged();
  }

  #list(edits: EditRow[]): void {
    const { page } = this.#editor;
    page.edits = edits;
    // Until the last value is there, the slider must not go back to one before it.
    if (isFaded(edits, page.fading)) page.fading = undefined;
    this.#editor.drawnEdits.keep(picturesOf(edits));
    this.#editor.restoreCrop();
    this.#editor.prepareSoon();
    this.#editor.live.soon();
    keepingFocus(() => this.#editor.update());
  }

  async #open({ name, file, mime }: EditorHostMessage & { type: 'open' }): Promise<void> {
    const { stage, send, savedView } = this.#editor;
    const first = !stage.picture;
    performance.mark('received');
    let picture: PictureLayer;
    try {
      picture = await PictureLayer.open(file, mime);
      stage.show(picture, name);
    } catch (error) {
      send({ type: 'broken', reason: messageOf(error) });
      return;
    }
    this.#opened();
    if (first && savedView) stage.move(savedView);
    const painted = () => {
      performance.mark('painted');
      picture.complete();
      send({ type: 'painted' });
      this.#editor.prepareSoon();
    };
    // The second frame begins when the first is on the screen.
    requestAnimationFrame(() => requestAnimationFrame(painted));
  }

  /** The stage has new layers. */
  #opened(): void {
    this.#editor.mask.opened();
    this.#editor.page.controlled = false;
    this.#editor.page.crop = undefined;
    this.#editor.showEdges();
  }

  /** Runs a command of the palette as its button would. If something is missing, the page says so beside the button. */
  #command(name: EditorCommand): void {
    const { page } = this.#editor;
    if (name === 'cutOut') {
      if (!page.masked && page.state?.canSelect) this.#actions.choose(toolOf('select'));
      this.#actions.cutOut();
      return;
    }
    if (name === 'crop') {
      this.#actions.chooseCrop();
      return;
    }
    this.#actions.edit({ way: name === 'repaintAll' ? 'all' : name });
    if (name !== 'extend' && !page.state?.run && !hindranceOf(page)) this.#actions.apply();
  }
}

/** Ids of the pictures that rows show. */
function picturesOf(edits: readonly EditRow[]): string[] {
  return edits.flatMap(({ picture, variations }) => [picture, ...variations.map(({ id }) => id)]);
}

/** Keeps the focus in the list of edits, where the row that has it is moved or its button is disabled. */
function keepingFocus(update: () => void): void {
  const { activeElement } = document;
  const row = activeElement?.closest('.edit');
  update();
  if (!row || document.activeElement === activeElement) return;
  const usable = '.edit-actions button:enabled';
  const focusable = activeElement!.matches(usable)
    ? activeElement
    : row.querySelector('[data-action^=moveEdit]:enabled');
  (focusable as HTMLElement | null)?.focus();
}
