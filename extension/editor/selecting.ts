import { ForgottenError, InputError } from '../../engine/errors.ts';
import type { FindObjectsResult, ObjectMask, SegmentRequest, SegmentResult } from '../../shared/api.ts';
import type { Combination, EditorState, PicturePlace } from '../../shared/editorProtocol.ts';
import type { Services } from '../services.ts';
import { type Selector, selectorOffer } from '../sight/selector.ts';
import { withObjects } from '../sight/withObjects.ts';
import type { PictureDocument } from './document.ts';
import { selectorOf } from './documentSelector.ts';
import type { Page } from './pages.ts';
import { boundsPatch, combined } from './selection.ts';

/** Milliseconds after which a click that is not answered yet is said to be under way. */
const SOON = 400;

/** Turns clicks and boxes into masks of a document. */
export class Selecting {
  readonly #services: Services;
  readonly #document: PictureDocument;
  readonly #selector: Selector;
  /** The engine's name of the image, and the state of the pixels that it refers to. */
  #known: { name: string; version: number } | undefined;
  /** The latest position of the pointer while a preview was computed; null when it left. */
  #waiting: { place: PicturePlace | undefined } | undefined;
  #previewing = false;
  /** The click that is being answered. */
  #click: AbortController | undefined;
  /** All objects in a state of the pixels, and the one that was selected last. */
  #found: { result: FindObjectsResult; version: number; at: number | undefined } | undefined;

  constructor(services: Services, document: PictureDocument) {
    this.#services = services;
    this.#document = document;
    this.#selector = selectorOf(services, document);
  }

  /** Masks the object at a place. @throws InputError if there is none @throws AbortError if it was cancelled */
  async select(place: PicturePlace, how: Combination): Promise<void> {
    const { masks, warnings, sure } = await this.#answered((signal) => this.#objectsAt(place, signal));
    const [object] = masks;
    const offer = this.#offer(sure);
    this.#document.update({ offer });
    if (!object?.area) throw new InputError('Nothing was found there. Drag a box around the object instead.');
    await this.#mask(object, how);
    if (warnings.length > 0) this.#document.notice(warnings.join(' '), offer);
  }

  /** Ends the click that is being answered. */
  cancel(): void {
    this.#click?.abort();
  }

  /** Answers a click; the pages say so if that takes a while. */
  async #answered<Result>(ask: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const click = new AbortController();
    this.#click = click;
    const isBusy = this.#services.queue.jobs.length > 0;
    const late = setTimeout(() => this.#document.update({ selecting: isBusy ? 'later' : 'now' }), SOON);
    try {
      const answer = await ask(click.signal);
      click.signal.throwIfAborted();
      return answer;
    } finally {
      clearTimeout(late);
      this.#click = undefined;
      this.#document.update({ selecting: undefined });
    }
  }

  /** Masks the next of all detected objects, from left to right and round again. @throws InputError if there is none */
  async selectNext(step: 1 | -1): Promise<void> {
    const { version } = this.#document;
    const { engine } = this.#services;
    if (this.#found?.version !== version) {
      const title = `Looking for objects in ${this.#document.state.name}`;
      const image = await this.#document.encoded();
      const result = await withObjects(this.#selector, image, title, async (found) => found);
      this.#found = { result, version, at: undefined };
    }
    const { result, at } = this.#found;
    const { objects, picture, warnings } = result;
    this.#document.update({ offer: this.#offer(objects.length > 0) });
    if (objects.length === 0) throw new InputError(warnings.join(' '));
    const next = at === undefined ? (step > 0 ? 0 : objects.length - 1) : at + step;
    const index = (next + objects.length) % objects.length;
    this.#found.at = index;
    const object = objects[index]!;
    await this.#mask(object, 'replace');
    const { width, height, data } = object;
    const named = await engine
      .describe({ image: picture, mask: { width, height, data } })
      .catch(() => undefined);
    this.#document.notice(`Selected ${named?.prompt || 'something'}, ${index + 1} of ${objects.length}.`);
  }

  /** A segmenter for photographs if the built-in one fails. */
  #offer(sure: boolean): EditorState['offer'] {
    return !sure && this.#selector.isBuiltIn ? selectorOffer() : undefined;
  }

  async #mask(object: ObjectMask, how: Combination): Promise<void> {
    const { mask, objects } = await this.#document.maskToChange();
    const labels = { replace: 'Select Object', add: 'Add Object', remove: 'Remove Object' };
    await this.#document.changeMask(labels[how], combined(mask, object, how), {
      // Of an object that is taken away the part that is in another stays in it: no margin goes over it.
      objects: how === 'remove' ? 'keep' : combined(objects, object, how),
    });
  }

  /**
   * Shows a page what a click would select; undefined hides it. Of the places that arrive in the meantime only the
   * last counts.
   */
  async preview(place: PicturePlace | undefined, page: Page): Promise<void> {
    this.#waiting = { place };
    if (this.#previewing) return;
    this.#previewing = true;
    try {
      while (this.#waiting) {
        const { place: next } = this.#waiting;
        this.#waiting = undefined;
        // The engine handles one edit after another; a preview must not wait for them.
        const found = next && !this.#document.state.run ? await this.#objectsAt(next) : undefined;
        const object = found?.masks[0];
        page.post({ type: 'hover', patch: object && boundsPatch(object) });
      }
    } finally {
      this.#previewing = false;
    }
  }

  async #objectsAt(place: PicturePlace, signal?: AbortSignal): Promise<SegmentResult> {
    const { version } = this.#document;
    const known = this.#known?.version === version ? this.#known.name : undefined;
    const request: SegmentRequest = { image: known ?? (await this.#document.encoded()), ...place, most: 1 };
    try {
      const result = await this.#selector.segment(request, { signal });
      this.#known = { name: result.picture, version };
      return result;
    } catch (error) {
      if (!known || !(error instanceof ForgottenError)) throw error;
      this.#known = undefined;
      return await this.#objectsAt(place, signal);
    }
  }
}
