import type { LogOutputChannel } from 'vscode';
import type { EditorHostMessage, EditorState } from '../../shared/editorProtocol.ts';
import { LIMITS } from '../../shared/limits.ts';
import { cut, sameArea, wholeOf } from '../../shared/raster.ts';
import { failureOf } from '../report.ts';
import { picturesOf, rowOf, thumbnailOf } from './editList.ts';
import { isReselectable } from './listedEdit.ts';
import type { Painted } from './painted.ts';
import { changedLayers, type PictureModel, type Step } from './pictureModel.ts';

/** One page that shows the document. */
export interface Page {
  post(message: EditorHostMessage): void;
}

/** The pages that show a document, and the state that all of them show. */
export class Pages {
  readonly #pages = new Set<Page>();
  readonly #log: LogOutputChannel;
  #state: EditorState;
  /** The pictures in the list of edits that the pages have. */
  #drawn = new Set<string>();

  constructor(state: EditorState, log: LogOutputChannel) {
    this.#state = state;
    this.#log = log;
  }

  get state(): EditorState {
    return this.#state;
  }

  [Symbol.iterator](): Iterator<Page> {
    return this.#pages.values();
  }

  add(page: Page): void {
    this.#pages.add(page);
  }

  remove(page: Page): void {
    this.#pages.delete(page);
  }

  tell(message: EditorHostMessage): void {
    for (const page of this.#pages) page.post(message);
  }

  update(change: Partial<EditorState>): void {
    this.#state = { ...this.#state, ...change };
    this.tell({ type: 'state', state: this.#state });
  }

  /** @param offer what goes with the sentence; that of the last one goes with it */
  notice(notice: string, offer?: EditorState['offer']): void {
    this.update({ notice, offer, failure: undefined });
  }

  /** The user draws: what was said of the last action is past. With an offer it stays, as that may still be taken. */
  drawn(): void {
    if (this.#state.notice && !this.#state.offer) this.update({ notice: undefined });
  }

  fail(error: unknown): void {
    this.#log.error(error instanceof Error ? error : String(error));
    this.update({ failure: failureOf(error) });
  }

  /** Takes a step of the model and shows what it changes. @param except the page that shows it already */
  async show(
    model: PictureModel<Painted>,
    step: Step<Painted>,
    direction: 'do' | 'undo',
    except?: Page,
  ): Promise<void> {
    const { frame } = model;
    const changed = await model[direction](step);
    if (!sameArea(frame, model.frame)) this.#showCanvas(model);
    // A page draws a mask, and cannot know which objects are in it.
    else
      for (const { layer, patch } of changed)
        for (const page of this.#pages)
          if (page !== except || layer === 'objects') page.post({ type: layer, patch });
  }

  /** Shows the whole image, on a canvas of another size. */
  #showCanvas(model: PictureModel<Painted>): void {
    this.tell({ type: 'frame', frame: model.frame });
    this.tell({ type: 'pixels', patch: cut(model.pixels, wholeOf(model)) });
    this.tell({ type: 'mask', patch: cut(model.mask, wholeOf(model)) });
    if (model.selected) this.tell({ type: 'objects', patch: cut(model.objects, wholeOf(model)) });
    if (model.controlled) this.tell({ type: 'control', patch: cut(model.control, wholeOf(model)) });
    if (model.coloured) this.tell({ type: 'colours', patch: cut(model.colours, wholeOf(model)) });
  }

  /** The list of edits is another. */
  async showEdits(model: PictureModel<Painted>): Promise<void> {
    this.update({ ...editStateOf(model), large: isLarge(model) });
    const pictures = picturesOf(model.edits);
    for (const picture of pictures) if (!this.#drawn.has(picture.id)) this.tell(await thumbnailOf(picture));
    this.#drawn = new Set(pictures.map(({ id }) => id));
    this.tell({ type: 'edits', edits: model.edits.map(rowOf) });
    this.tell(costOf(model));
  }

  showCost(model: PictureModel<Painted>): void {
    this.tell(costOf(model));
  }
}

/** Sends a page the edits of its file. */
export async function tellEdits(page: Page, model: PictureModel<Painted>): Promise<void> {
  if (model.resized) page.post({ type: 'frame', frame: model.frame });
  for (const [type, area] of changedLayers(model))
    if (area) page.post({ type, patch: cut(model[type], area) });
  for (const picture of picturesOf(model.edits)) page.post(await thumbnailOf(picture));
  page.post({ type: 'edits', edits: model.edits.map(rowOf) });
  page.post(costOf(model));
}

/** The part of the state that depends on the list of edits. */
export function editStateOf(model: PictureModel<Painted>): Pick<EditorState, 'edited' | 'canReselect'> {
  return { edited: model.changed !== undefined, canReselect: model.edits.some(isReselectable) };
}

/** Whether a side is longer than an image that models generate. */
export function isLarge({ width, height }: { width: number; height: number }): boolean {
  return Math.max(width, height) > LIMITS.size.max;
}

function costOf(model: PictureModel<Painted>): EditorHostMessage {
  return { type: 'cost', cost: model.lastPainted?.about?.cost };
}
