import { feathered, grown, inverted, shrunk } from '../../shared/morphology.ts';
import { blankPatch, type Patch, wholeOf } from '../../shared/raster.ts';
import type { Colour } from './mask/colours.ts';
import type { EditorPage, MaskAction } from './page.ts';
import { watchMaskColour } from './themeColour.ts';

/** How the mask and the colours are shown, and the actions on all of the mask. */
export class MaskView {
  readonly #page: EditorPage;
  readonly #update: () => void;
  readonly #chooseColour: (name: string) => void;
  #colour: Colour = [0, 0, 0];
  /** Only the outline is shown because a draft is. */
  #underDraft = false;
  /** Number of the run that took the mask. */
  #taken: number | undefined;

  constructor(page: EditorPage, update: () => void) {
    this.#page = page;
    this.#update = update;
    page.stage.maskOpacity = page.opacity;
    this.#chooseColour = watchMaskColour(page.colour, (colour) => {
      this.#colour = colour;
      page.stage.maskColour = colour;
    });
  }

  setOpacity(opacity: number): void {
    this.#page.opacity = opacity;
    this.show(true);
  }

  /** @param name one of `MASK_COLOURS` */
  setColour(name: string): void {
    this.#page.colour = name;
    this.#chooseColour(name);
    this.show(true);
  }

  show(shown: boolean): void {
    const { stage, opacity } = this.#page;
    this.#page.maskShown = shown;
    stage.maskOpacity = shown ? opacity : 0;
    stage.coloursShown = shown;
    this.#update();
  }

  /** Changes the whole mask, as one step of undo. */
  change(action: MaskAction): void {
    const { stage, amount } = this.#page;
    const { mask } = stage;
    if (!mask || stage.input.busy) return;
    const { raster } = mask;
    const changes: Record<MaskAction, [label: string, patch: () => Patch | undefined]> = {
      invert: ['Invert Mask', () => inverted(raster)],
      clear: ['Clear Mask', () => blankPatch(mask.bounds ?? wholeOf(raster))],
      grow: ['Grow Mask', () => grown(raster, amount)],
      shrink: ['Shrink Mask', () => shrunk(raster, amount)],
      feather: ['Feather Mask', () => feathered(raster, amount)],
    };
    const [label, make] = changes[action];
    const patch = make();
    if (patch) mask.change(label, patch);
  }

  /** The painted colours are others. */
  coloursChanged(): void {
    const { colours } = this.#page.stage;
    if (colours) colours.spent = false;
    this.#page.coloured = colours?.bounds !== undefined;
    this.show(true);
  }

  /** The mask has other pixels. */
  changed(): void {
    const { mask } = this.#page.stage;
    if (mask) mask.spent = false;
    this.#page.masked = mask?.bounds !== undefined;
    this.show(true);
  }

  /** The stage has new layers: the mask is empty until its pixels arrive. */
  opened(): void {
    const { stage } = this.#page;
    stage.maskColour = this.#colour;
    this.#page.masked = false;
    this.#page.coloured = false;
    stage.mask!.spent = this.#taken !== undefined;
    this.show(this.#taken === undefined);
  }

  /** Under a draft only the mask's outline is shown, and all of it again when the draft goes. */
  drafted(isShown: boolean): void {
    if (isShown) {
      this.#underDraft ||= this.#page.maskShown;
      this.show(false);
    } else if (this.#underDraft) {
      this.#underDraft = false;
      if (this.#taken === undefined) this.show(true);
    }
  }

  /** An edit takes mask and colours, then only the mask's outline is shown; or gives them back. */
  take(taken: number | undefined): void {
    if (taken === this.#taken) return;
    this.#taken = taken;
    const { mask } = this.#page.stage;
    if (mask) mask.spent = taken !== undefined;
    this.#page.stage.coloursSpent = taken !== undefined;
    this.show(taken === undefined);
  }
}
