import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { SegmentRequest, ThingMask } from '../../engine/api.ts';
import { ForgottenError, InputError } from '../../engine/errors.ts';
import { embeddedModel } from '../../engine/models/embedded.ts';
import type { Combination, PicturePlace } from '../../webview/editorProtocol.ts';
import type { Services } from '../services.ts';
import type { Page, PictureDocument } from './document.ts';
import { boundsPatch, combined } from './selection.ts';

/** Whether the network that turns clicks into masks came with Patchwork. */
export async function canSelect(): Promise<boolean> {
  const folder = path.join(embeddedModel('sight'), 'segmenter');
  return (await stat(folder).catch(() => undefined))?.isDirectory() ?? false;
}

/** Turns clicks and boxes into masks of a document. */
export class Selecting {
  readonly #services: Services;
  readonly #document: PictureDocument;
  /** The engine's name of the picture, and which state of the pixels it stands for. */
  #known: { name: string; version: number } | undefined;
  /** Where the pointer was last while a preview was computed; null when it left. */
  #waiting: { place: PicturePlace | undefined } | undefined;
  #previewing = false;

  constructor(services: Services, document: PictureDocument) {
    this.#services = services;
    this.#document = document;
  }

  /** Masks the thing at a place. @throws InputError if nothing is there */
  async select(place: PicturePlace, how: Combination): Promise<void> {
    const thing = await this.#thingAt(place);
    if (!thing?.area) throw new InputError('Nothing was found there. Drag a box around the thing instead.');
    const { mask } = await this.#document.model();
    const labels = { replace: 'Select Object', add: 'Add Object', remove: 'Remove Object' };
    await this.#document.change('mask', labels[how], combined(mask, thing, how));
  }

  /** Shows a page what a click would give; none hides it. Of places that come meanwhile only the last counts. */
  async preview(place: PicturePlace | undefined, page: Page): Promise<void> {
    this.#waiting = { place };
    if (this.#previewing) return;
    this.#previewing = true;
    try {
      while (this.#waiting) {
        const { place: next } = this.#waiting;
        this.#waiting = undefined;
        // The engine paints one thing after another; a preview must not wait for that.
        const thing = next && !this.#document.state.run ? await this.#thingAt(next) : undefined;
        page.post({ type: 'hover', patch: thing && boundsPatch(thing) });
      }
    } finally {
      this.#previewing = false;
    }
  }

  async #thingAt(place: PicturePlace): Promise<ThingMask | undefined> {
    const { version } = this.#document;
    const known = this.#known?.version === version ? this.#known.name : undefined;
    const request: SegmentRequest = { image: known ?? (await this.#document.encoded()), ...place, most: 1 };
    try {
      const { picture, masks } = await this.#services.engine.segment(request);
      this.#known = { name: picture, version };
      return masks[0];
    } catch (error) {
      if (!known || !(error instanceof ForgottenError)) throw error;
      this.#known = undefined;
      return await this.#thingAt(place);
    }
  }
}
