import { randomUUID } from 'node:crypto';
import type { Extension } from '../../shared/editorProtocol.ts';
import { withObjectMargins } from '../../shared/margins.ts';
import {
  type Area,
  blankPatch,
  blankRaster,
  boundsOf,
  clip,
  copyOf,
  cut,
  difference,
  fits,
  isEmpty,
  type Patch,
  paste,
  type Raster,
  sameArea,
  unite,
  wholeOf,
  within,
} from '../../shared/raster.ts';
import { type Canvas, extended, frameOf, reframed, shifted } from './canvas.ts';
import { composed, differenceInTurns } from './composing.ts';
import {
  type EditContent,
  type ListedEdit,
  opacityOf,
  type PaintContent,
  type Variation,
} from './listedEdit.ts';
import { type Packed, packed, unpacked } from './packed.ts';

/** Channels of the layers over the pixels. */
const OVERLAYS = { mask: 1, objects: 1, control: 3, colours: 4 } as const;
/** What an edit is painted with, and keeps. */
const TAKEN = ['mask', 'objects', 'colours'] as const;
/** A layer over the pixels. */
export type Overlay = keyof typeof OVERLAYS;
export type Layer = Overlay | 'pixels';

/** All layers over the pixels. */
export function overlays(): Overlay[] {
  return Object.keys(OVERLAYS) as Overlay[];
}

/** A change of an area of one layer, on the canvas as it is before the step. */
interface Change extends Area {
  layer: Layer;
  /** Deflated values. */
  before: Uint8Array<ArrayBuffer>;
  after: Uint8Array<ArrayBuffer>;
}

/** A change that can be undone and redone. */
export interface Step<About = unknown> {
  /** In the undo menu. */
  label: string;
  changes: Change[];
  /** The list of edits, where the step changes it. */
  edits?: { before: readonly ListedEdit<About>[]; after: readonly ListedEdit<About>[] };
}

/** What a step has changed. */
export interface Changed {
  layer: Layer;
  patch: Patch;
}

/** A result of painting. */
export interface Painting<About> {
  label: string;
  /** What was painted on. */
  start: Canvas;
  /** As large as `start`, or larger by `extension`. */
  result: Raster;
  extension?: Extension;
  /** The mask that it was painted with; the model's mask is cleared if it is still the same. */
  mask: Raster;
  /** The objects of which the mask is; likewise. */
  objects?: Raster | undefined;
  /** The colours that it began with, RGBA; likewise. */
  colours?: Raster | undefined;
  about: About;
  /** Other results of the same start and mask, which are kept with the edit. */
  others?: readonly { result: Raster; about: About }[];
  /** An edit that is hidden by the same step. */
  replaces?: string;
}

/**
 * An opened picture: its pixels, the edits that they come from, the mask, the control layer and painted colours over it,
 * changed by reversible steps, which are undone in reverse order. A step is for the picture as it was when the step was
 * asked for, so nothing else may change the picture until the step is done.
 */
export class PictureModel<About = unknown> {
  /** RGB as the file has them. */
  readonly original: Raster;
  #canvas: Canvas;
  #mask: Raster;
  /** Until something is drawn in them there are none: most pictures never need them. */
  #drawn: Partial<Record<Exclude<Overlay, 'mask'>, Raster>> = {};
  #edits: readonly ListedEdit<About>[] = [];

  constructor(original: Raster) {
    this.original = original;
    this.#canvas = { raster: copyOf(original), frame: wholeOf(original) };
    this.#mask = blankRaster(original.width, original.height, 1);
  }

  /** Current RGB. */
  get pixels(): Raster {
    return this.#canvas.raster;
  }

  /** How much each pixel is masked, 0 … 255; as large as `pixels`. */
  get mask(): Raster {
    return this.#mask;
  }

  /** Where objects were selected: of what is masked there the outline is painted over. As large as `pixels`. */
  get objects(): Raster {
    this.#drawn.objects ??= blankRaster(this.width, this.height, OVERLAYS.objects);
    return this.#drawn.objects;
  }

  /** The mask as an edit with a prompt paints it: with margins around selected objects. */
  get painted(): Raster {
    const { mask } = this;
    return this.selected ? { ...mask, data: withObjectMargins(mask, this.objects).data } : copyOf(mask);
  }

  /** What steers edits, RGB: white lines on black, or an image; as large as `pixels`. */
  get control(): Raster {
    this.#drawn.control ??= blankRaster(this.width, this.height, OVERLAYS.control);
    return this.#drawn.control;
  }

  /** Colours that edits begin with, RGBA, transparent where none are painted; as large as `pixels`. */
  get colours(): Raster {
    this.#drawn.colours ??= blankRaster(this.width, this.height, OVERLAYS.colours);
    return this.#drawn.colours;
  }

  /** Where the canvas is in the file's pixels: edits may have extended it. */
  get frame(): Area {
    return this.#canvas.frame;
  }

  get width(): number {
    return this.pixels.width;
  }

  get height(): number {
    return this.pixels.height;
  }

  /** The canvas has other edges than the file's picture. */
  get resized(): boolean {
    return !sameArea(this.frame, wholeOf(this.original));
  }

  /** Where the image differs from the file; undefined if nowhere. */
  get changed(): Area | undefined {
    if (!this.#edits.some(({ shown }) => shown)) return undefined;
    return this.resized ? wholeOf(this.pixels) : difference(this.original, this.pixels);
  }

  /** Where there is a mask; undefined if nowhere. */
  get masked(): Area | undefined {
    return boundsOf(this.mask);
  }

  /** Where objects were selected; undefined if nowhere. */
  get selected(): Area | undefined {
    return this.#drawn.objects && boundsOf(this.#drawn.objects);
  }

  /** Where the control layer is not black; undefined if nowhere. */
  get controlled(): Area | undefined {
    return this.#drawn.control && boundsOf(this.#drawn.control);
  }

  /** Where colours are painted; undefined if nowhere. */
  get coloured(): Area | undefined {
    return this.#drawn.colours && boundsOf(this.#drawn.colours);
  }

  /** All edits, shown or not, the first below. */
  get edits(): readonly ListedEdit<About>[] {
    return this.#edits;
  }

  /** The last edit that was painted and is shown. */
  get lastPainted(): ListedEdit<About> | undefined {
    return this.#edits.findLast(({ shown, content }) => shown && content.kind === 'paint');
  }

  /** A copy of the picture as it is, or as it is without one of its edits. */
  async canvas(without?: string): Promise<Canvas> {
    if (without === undefined) return this.#copy();
    return await this.#composed(this.#edits.filter((edit) => edit.id !== without));
  }

  /** Where the canvas would be without one of the edits. */
  frameWithout(id: string | undefined): Area {
    return frameOf(
      this.#edits.filter((edit) => edit.id !== id),
      this.original,
    );
  }

  /** An area of the file's pixels as far as it is on the canvas; may be empty. */
  onCanvas({ left, top, width, height }: Area): Area {
    const { frame } = this;
    return clip({ left: left - frame.left, top: top - frame.top, width, height }, this);
  }

  /** Brings back the mask and the colours of an edit as far as they are on the canvas; undefined if they are there. */
  async reselecting(label: string, edit: ListedEdit<About>): Promise<Step<About> | undefined> {
    const changes: Change[] = [];
    for (const layer of TAKEN) {
      const part = edit[layer];
      const patch = part && within(shifted(await unpacked(part, OVERLAYS[layer]), this.frame, -1), this);
      const there = { mask: this.masked, objects: this.selected, colours: this.coloured }[layer];
      const area = patch ? unite(there, patch) : there;
      if (!area) continue;
      const blank = { ...area, channels: OVERLAYS[layer], data: blankPatch(area, OVERLAYS[layer]).data };
      if (patch) paste(blank, { ...patch, left: patch.left - area.left, top: patch.top - area.top });
      changes.push(...(await this.#change(layer, { ...area, data: blank.data })));
    }
    return changes.length > 0 ? { label, changes } : undefined;
  }

  /**
   * New values in an area of a layer over the pixels; undefined if they are the old ones.
   * @throws RangeError if the patch does not fit the image
   */
  async drawing(layer: Overlay, label: string, patch: Patch): Promise<Step<About> | undefined> {
    const changes = await this.#change(layer, patch);
    return changes.length > 0 ? { label, changes } : undefined;
  }

  /**
   * New values in an area of the mask.
   * @param objects where objects are selected now; undefined: where they were
   * @throws RangeError if a patch does not fit the image
   */
  async masking(label: string, patch: Patch, objects: Patch | undefined): Promise<Step<About> | undefined> {
    const changes = await this.#change('mask', patch);
    if (objects) changes.push(...(await this.#change('objects', objects)));
    return changes.length > 0 ? { label, changes } : undefined;
  }

  /** Adds a result to the picture; undefined if it changes no pixel. */
  async painting({
    label,
    start,
    result,
    extension,
    mask,
    objects,
    colours,
    about,
    others = [],
    replaces,
  }: Painting<About>): Promise<Step<About> | undefined> {
    const content = await paintOf(start, result, extension);
    if (!content) return undefined;
    const kept: Variation<About>[] = [];
    for (const { result, about } of others) {
      const content = await paintOf(start, result, extension);
      if (content) kept.push({ id: randomUUID(), content, about });
    }
    const taken = { mask, objects, colours };
    const edit: ListedEdit<About> = {
      id: randomUUID(),
      label,
      content,
      shown: true,
      about,
      ...(kept.length > 0 && { variation: randomUUID(), others: kept }),
      ...(await packedLayer('mask', taken, start.frame)),
      ...(await packedLayer('objects', taken, start.frame)),
      ...(await packedLayer('colours', taken, start.frame)),
    };
    const below = this.#edits.map((other) => (other.id === replaces ? { ...other, shown: false } : other));
    const edits = [...below, edit];
    const isOnTop = !extension && !replaces && (await this.#isAsIn(start));
    const step = isOnTop ? this.#laid(label, edits, content) : await this.#listing(label, edits);
    for (const layer of TAKEN) {
      const bounds = taken[layer] && boundsOf(taken[layer]);
      const isSpent = bounds && !difference(this[layer], taken[layer]!);
      if (isSpent) step.changes.push(...(await this.#change(layer, blankPatch(bounds, OVERLAYS[layer]))));
    }
    return step;
  }

  /** Restores the file's pixels by a coverage of 0 … 255; undefined if nothing changes. */
  async restoring(label: string, coverage: Patch): Promise<Step<About> | undefined> {
    if (!fits(coverage, this) || coverage.data.length !== coverage.width * coverage.height)
      throw new RangeError('The change does not fit the image.');
    const inFile = within(shifted(coverage, this.frame, 1), this.original);
    if (!inFile) return undefined;
    const content: EditContent = { kind: 'restore', coverage: await packed(inFile) };
    const step = await this.#listing(label, [
      ...this.#edits,
      { id: randomUUID(), label, content, shown: true },
    ]);
    return step.changes.length > 0 ? step : undefined;
  }

  /**
   * Cuts off what is beyond an area of the canvas; undefined if that is nothing.
   * @throws RangeError if the area is empty or not on the canvas
   */
  async cropping(label: string, area: Area): Promise<Step<About> | undefined> {
    if (!fits(area, this) || isEmpty(area)) throw new RangeError('The area does not fit the image.');
    if (sameArea(area, wholeOf(this))) return undefined;
    const { left, top } = this.frame;
    const inFile = { ...area, left: area.left + left, top: area.top + top };
    const content: EditContent = { kind: 'crop', area: inFile };
    return await this.#listing(label, [...this.#edits, { id: randomUUID(), label, content, shown: true }]);
  }

  /** Shows the edits that pass a test and hides the others; undefined if nothing changes. */
  async showing(
    label: string,
    isShown: (edit: ListedEdit<About>, index: number) => boolean,
  ): Promise<Step<About> | undefined> {
    const edits = this.#edits.map((edit, i) => {
      const shown = isShown(edit, i);
      return edit.shown === shown ? edit : { ...edit, shown };
    });
    return await this.#relisting(label, edits);
  }

  /** Lets what is below an edit be seen through it; undefined if nothing changes. @param opacity 0 … 1 */
  async fading(label: string, id: string, opacity: number): Promise<Step<About> | undefined> {
    return await this.#relisting(label, this.#faded(id, opacity));
  }

  /** The picture with another opacity of an edit. @throws AbortError if the signal is aborted */
  async fadedCanvas(id: string, opacity: number, signal?: AbortSignal): Promise<Canvas> {
    return await this.#composed(this.#faded(id, opacity), signal);
  }

  /** Puts another of an edit's variations in its place; undefined if it is that already, or has no such variation. */
  async varying(label: string, id: string, variation: string): Promise<Step<About> | undefined> {
    const edits = this.#edits.map((edit) => {
      const { content, about } = edit;
      const chosen = edit.id === id && edit.others?.find((other) => other.id === variation);
      if (!chosen || content.kind !== 'paint') return edit;
      const left = { id: edit.variation!, content, about };
      const others = edit.others!.map((other) => (other === chosen ? left : other));
      return { ...edit, content: chosen.content, about: chosen.about, variation, others };
    });
    return await this.#relisting(label, edits);
  }

  /** Lays an edit over the next one (1), or below the one before it (−1); undefined if there is none. */
  async moving(label: string, id: string, by: 1 | -1): Promise<Step<About> | undefined> {
    const edits = [...this.#edits];
    const from = edits.findIndex((edit) => edit.id === id);
    const [edit, other] = [edits[from], edits[from + by]];
    if (!edit || !other) return undefined;
    edits[from] = other;
    edits[from + by] = edit;
    return await this.#listing(label, edits);
  }

  /** Takes over the edits of an earlier model of the same file, whose pixels follow. */
  async adopt(edits: readonly ListedEdit<About>[]): Promise<void> {
    this.#reframe(await this.#otherCanvas(edits));
    this.#edits = edits;
  }

  async do(step: Step<About>): Promise<Changed[]> {
    return await this.#write(step, 'after');
  }

  async undo(step: Step<About>): Promise<Changed[]> {
    return await this.#write(step, 'before');
  }

  async #write({ changes, edits }: Step<About>, which: 'before' | 'after'): Promise<Changed[]> {
    const canvas = edits && (await this.#otherCanvas(edits[which]));
    const changed = await Promise.all(
      changes.map(async ({ layer, [which]: deflated, left, top, width, height }) => {
        const area = { left, top, width, height };
        return { layer, patch: await unpacked({ ...area, deflated }, this[layer].channels) };
      }),
    );
    // From here on nothing is awaited, so no one sees half a step. Its changes are on the canvas as it is before it.
    if (which === 'before') this.#reframe(canvas);
    for (const { layer, patch } of changed) {
      if (!fits(patch, this[layer])) throw new RangeError('The change does not fit the image.');
      paste(this[layer], patch);
    }
    if (which === 'after') this.#reframe(canvas);
    if (edits) this.#edits = edits[which];
    return changed;
  }

  /** The canvas that other edits give, if it is at another place or of another size. */
  async #otherCanvas(edits: readonly ListedEdit<About>[]): Promise<Canvas | undefined> {
    return sameArea(this.frame, frameOf(edits, this.original)) ? undefined : await this.#composed(edits);
  }

  /** Puts another canvas in the place of this one, and cuts the layers over it accordingly. */
  #reframe(canvas: Canvas | undefined): void {
    if (!canvas) return;
    const [from, to] = [this.frame, canvas.frame];
    this.#mask = reframed(this.#mask, from, to);
    for (const layer of ['objects', 'control', 'colours'] as const) {
      const drawn = this.#drawn[layer];
      if (drawn) this.#drawn[layer] = reframed(drawn, from, to);
    }
    this.#canvas = canvas;
  }

  #faded(id: string, opacity: number): readonly ListedEdit<About>[] {
    return this.#edits.map((edit) =>
      edit.id === id && opacityOf(edit) !== opacity ? { ...edit, opacity } : edit,
    );
  }

  async #relisting(label: string, edits: readonly ListedEdit<About>[]): Promise<Step<About> | undefined> {
    const isAnother = edits.some((edit, i) => edit !== this.#edits[i]);
    return isAnother ? await this.#listing(label, edits) : undefined;
  }

  async #isAsIn({ raster, frame }: Canvas): Promise<boolean> {
    return sameArea(frame, this.frame) && !(await differenceInTurns(this.pixels, raster));
  }

  /** The step that lays a result over the picture that it was painted on, whose values are packed already. */
  #laid(label: string, edits: readonly ListedEdit<About>[], { from, to }: PaintContent): Step<About> {
    const change = {
      layer: 'pixels' as const,
      ...this.onCanvas(to),
      before: from.deflated,
      after: to.deflated,
    };
    return { label, changes: [change], edits: { before: this.#edits, after: edits } };
  }

  /** The step to another list of edits, and to the pixels that it gives. */
  async #listing(label: string, edits: readonly ListedEdit<About>[]): Promise<Step<About>> {
    const step: Step<About> = { label, changes: [], edits: { before: this.#edits, after: edits } };
    const { raster, frame } = await this.#composed(edits);
    if (sameArea(frame, this.frame)) {
      const area = await differenceInTurns(this.pixels, raster);
      if (area) step.changes.push(...(await this.#change('pixels', cut(raster, area))));
      return step;
    }
    // An undo must restore the parts of these layers that a smaller canvas cuts off.
    for (const layer of overlays()) {
      if (layer !== 'mask' && !this.#drawn[layer]) continue;
      const stays = reframed(reframed(this[layer], this.frame, frame), frame, this.frame);
      step.changes.push(...(await this.#change(layer, cut(stays, wholeOf(stays)))));
    }
    return step;
  }

  async #composed(edits: readonly ListedEdit<About>[], signal?: AbortSignal): Promise<Canvas> {
    const [now, wanted] = [this.#edits, edits].map((all) => all.filter(({ shown }) => shown));
    // What is laid over everything needs nothing of it again.
    const isMore = now!.every((edit, i) => edit === wanted![i]);
    return isMore
      ? await composed(this.#copy(), wanted!.slice(now!.length), this.original, signal)
      : await composed(
          { raster: copyOf(this.original), frame: wholeOf(this.original) },
          wanted!,
          this.original,
          signal,
        );
  }

  #copy(): Canvas {
    return { raster: copyOf(this.pixels), frame: this.frame };
  }

  /** New values in an area of a layer; nothing if they are the old ones. */
  async #change(layer: Layer, patch: Patch): Promise<Change[]> {
    const raster = this[layer];
    const { channels } = raster;
    if (!fits(patch, raster) || patch.data.length !== patch.width * patch.height * channels)
      throw new RangeError('The change does not fit the image.');
    const old = cut(raster, patch);
    if (!(await differenceInTurns({ ...old, channels }, { ...patch, channels }))) return [];
    const [before, after] = await Promise.all([packed(old), packed(patch)]);
    const { left, top, width, height } = patch;
    return [{ layer, left, top, width, height, before: before.deflated, after: after.deflated }];
  }
}

/** Where each layer is not as the file has it. */
export function changedLayers(model: PictureModel): (readonly [Layer, Area | undefined])[] {
  return [
    ['pixels', model.changed],
    ['mask', model.masked],
    ['objects', model.selected],
    ['control', model.controlled],
    ['colours', model.coloured],
  ];
}

/** A layer that an edit was painted with, at its place in the file's pixels, where there is anything in it. */
async function packedLayer(
  layer: (typeof TAKEN)[number],
  { [layer]: raster }: { mask: Raster; objects: Raster | undefined; colours: Raster | undefined },
  frame: Area,
): Promise<Partial<Record<typeof layer, Packed>>> {
  const bounds = raster && boundsOf(raster);
  return bounds ? { [layer]: await packed(shifted(cut(raster, bounds), frame, 1)) } : {};
}

/** What painting has changed; undefined if nothing. */
async function paintOf(
  start: Canvas,
  result: Raster,
  extension?: Extension,
): Promise<PaintContent | undefined> {
  const before = extension ? extended(start, extension) : start;
  const area = (await differenceInTurns(before.raster, result)) ?? (extension && wholeOf(result));
  if (!area) return undefined;
  const placed = (raster: Raster) => packed(shifted(cut(raster, area), before.frame, 1));
  const [from, to] = await Promise.all([placed(before.raster), placed(result)]);
  return { kind: 'paint', from, to, ...(extension && { extension }) };
}
