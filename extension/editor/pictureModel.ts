import { randomUUID } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { extendPicture } from '../../engine/pictures/canvas.ts';
import type { Extension } from '../../shared/editorProtocol.ts';
import { LIMITS } from '../../shared/limits.ts';
import {
  type Area,
  blankPatch,
  blankRaster,
  boundsOf,
  clip,
  common,
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

/** Channels of the layers over the pixels. */
const OVERLAYS = { mask: 1, control: 3, colours: 4 } as const;
/** A layer over the pixels, which strokes change. */
export type Overlay = keyof typeof OVERLAYS;
export type Layer = Overlay | 'pixels';

/** All layers over the pixels. */
export function overlays(): Overlay[] {
  return Object.keys(OVERLAYS) as Overlay[];
}

/** The values of an area, deflated. */
export interface Packed extends Area {
  deflated: Uint8Array;
}

/** Pixels that differ between the two take the values of `to`, after the canvas has grown by `extension`. */
interface PaintContent {
  kind: 'paint';
  from: Packed;
  to: Packed;
  extension?: Extension;
}

/**
 * What one edit does to the pixels, whatever is below it. Places are those of the file's pixels, also beyond its edges.
 */
type EditContent =
  | PaintContent
  /** Pixels are restored from the file by a coverage of 0 … 255. */
  | { kind: 'restore'; coverage: Packed }
  /** The canvas ends at the edges of an area. */
  | { kind: 'crop'; area: Area };

/** A result of an edit's form, one for each seed that was tried. */
interface Variation<About = unknown> {
  readonly id: string;
  readonly content: PaintContent;
  /** Details for the user. */
  readonly about?: About;
}

/** An edit of the pixels, as the list of edits has it. Never changed: a step puts another in its place. */
export interface ListedEdit<About = unknown> {
  readonly id: string;
  readonly label: string;
  readonly content: EditContent;
  /** Which of its variations this is; absent if it has no others. */
  readonly variation?: string;
  /** The variations that were not picked, each of which can take its place. */
  readonly others?: readonly Variation<About>[];
  /** Part of the picture as it is now. */
  readonly shown: boolean;
  /** How much of it is seen over what is below it, 0 … 1; absent: all. */
  readonly opacity?: number;
  /** The mask and the colours that it was painted with, at their place in the file's pixels. */
  readonly mask?: Packed;
  readonly colours?: Packed;
  /** Details for the user. */
  readonly about?: About;
}

/** A change of an area of one layer, on the canvas as it is before the step. */
interface Change extends Area {
  layer: Layer;
  /** Deflated values. */
  before: Uint8Array;
  after: Uint8Array;
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

/** A canvas: its pixels, RGB, and where it is in the file's pixels. */
export interface Canvas {
  raster: Raster;
  frame: Area;
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
 * changed by reversible steps, which are undone in reverse order.
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
  canvas(without?: string): Canvas {
    if (without === undefined) return { raster: copyOf(this.pixels), frame: this.frame };
    return this.#composed(this.#edits.filter((edit) => edit.id !== without));
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
  reselecting(label: string, edit: ListedEdit<About>): Step<About> | undefined {
    const changes = (['mask', 'colours'] as const).flatMap((layer) => {
      const packed = edit[layer];
      const patch = packed && within(shifted(unpacked(packed, OVERLAYS[layer]), this.frame, -1), this);
      const there = layer === 'mask' ? this.masked : this.coloured;
      const area = patch ? unite(there, patch) : there;
      if (!area) return [];
      const blank = { ...area, channels: OVERLAYS[layer], data: blankPatch(area, OVERLAYS[layer]).data };
      if (patch) paste(blank, { ...patch, left: patch.left - area.left, top: patch.top - area.top });
      return this.#change(layer, { ...area, data: blank.data }) ?? [];
    });
    return changes.length > 0 ? { label, changes } : undefined;
  }

  /**
   * New values in an area of a layer over the pixels; undefined if they are the old ones.
   * @throws RangeError if the patch does not fit the image
   */
  drawing(layer: Overlay, label: string, patch: Patch): Step<About> | undefined {
    const change = this.#change(layer, patch);
    return change && { label, changes: [change] };
  }

  /** Adds a result to the picture; undefined if it changes no pixel. */
  painting({
    label,
    start,
    result,
    extension,
    mask,
    colours,
    about,
    others = [],
    replaces,
  }: Painting<About>): Step<About> | undefined {
    const content = paintOf(start, result, extension);
    if (!content) return undefined;
    const kept = others.flatMap(({ result, about }): Variation<About>[] => {
      const content = paintOf(start, result, extension);
      return content ? [{ id: randomUUID(), content, about }] : [];
    });
    const taken = { mask, colours };
    const edit: ListedEdit<About> = {
      id: randomUUID(),
      label,
      content,
      shown: true,
      about,
      ...(kept.length > 0 && { variation: randomUUID(), others: kept }),
      ...packedLayer('mask', taken, start.frame),
      ...packedLayer('colours', taken, start.frame),
    };
    const below = this.#edits.map((other) => (other.id === replaces ? { ...other, shown: false } : other));
    const edits = [...below, edit];
    const isOnTop = !extension && !replaces && this.#isAsIn(start);
    const step = isOnTop ? this.#laid(label, edits, content) : this.#listing(label, edits);
    for (const layer of ['mask', 'colours'] as const) {
      const bounds = taken[layer] && boundsOf(taken[layer]);
      const isSpent = bounds && !difference(this[layer], taken[layer]!);
      const cleared = isSpent ? this.#change(layer, blankPatch(bounds, OVERLAYS[layer])) : undefined;
      if (cleared) step.changes.push(cleared);
    }
    return step;
  }

  /** Restores the file's pixels by a coverage of 0 … 255; undefined if nothing changes. */
  restoring(label: string, coverage: Patch): Step<About> | undefined {
    if (!fits(coverage, this) || coverage.data.length !== coverage.width * coverage.height)
      throw new RangeError('The change does not fit the image.');
    const inFile = within(shifted(coverage, this.frame, 1), this.original);
    if (!inFile) return undefined;
    const content: EditContent = { kind: 'restore', coverage: packed(inFile) };
    const step = this.#listing(label, [...this.#edits, { id: randomUUID(), label, content, shown: true }]);
    return step.changes.length > 0 ? step : undefined;
  }

  /**
   * Cuts off what is beyond an area of the canvas; undefined if that is nothing.
   * @throws RangeError if the area is empty or not on the canvas
   */
  cropping(label: string, area: Area): Step<About> | undefined {
    if (!fits(area, this) || isEmpty(area)) throw new RangeError('The area does not fit the image.');
    if (sameArea(area, wholeOf(this))) return undefined;
    const { left, top } = this.frame;
    const inFile = { ...area, left: area.left + left, top: area.top + top };
    const content: EditContent = { kind: 'crop', area: inFile };
    return this.#listing(label, [...this.#edits, { id: randomUUID(), label, content, shown: true }]);
  }

  /** Shows the edits that pass a test and hides the others; undefined if nothing changes. */
  showing(
    label: string,
    isShown: (edit: ListedEdit<About>, index: number) => boolean,
  ): Step<About> | undefined {
    const edits = this.#edits.map((edit, i) => {
      const shown = isShown(edit, i);
      return edit.shown === shown ? edit : { ...edit, shown };
    });
    return this.#relisting(label, edits);
  }

  /** Lets what is below an edit be seen through it; undefined if nothing changes. @param opacity 0 … 1 */
  fading(label: string, id: string, opacity: number): Step<About> | undefined {
    return this.#relisting(label, this.#faded(id, opacity));
  }

  /** The picture with another opacity of an edit. */
  fadedCanvas(id: string, opacity: number): Canvas {
    return this.#composed(this.#faded(id, opacity));
  }

  /** Puts another of an edit's variations in its place; undefined if it is that already, or has no such variation. */
  varying(label: string, id: string, variation: string): Step<About> | undefined {
    const edits = this.#edits.map((edit) => {
      const { content, about } = edit;
      const chosen = edit.id === id && edit.others?.find((other) => other.id === variation);
      if (!chosen || content.kind !== 'paint') return edit;
      const left = { id: edit.variation!, content, about };
      const others = edit.others!.map((other) => (other === chosen ? left : other));
      return { ...edit, content: chosen.content, about: chosen.about, variation, others };
    });
    return this.#relisting(label, edits);
  }

  /** Lays an edit over the next one (1), or below the one before it (−1); undefined if there is none. */
  moving(label: string, id: string, by: 1 | -1): Step<About> | undefined {
    const edits = [...this.#edits];
    const from = edits.findIndex((edit) => edit.id === id);
    const [edit, other] = [edits[from], edits[from + by]];
    if (!edit || !other) return undefined;
    edits[from] = other;
    edits[from + by] = edit;
    return this.#listing(label, edits);
  }

  /** Takes over the edits of an earlier model of the same file, whose pixels follow. */
  adopt(edits: readonly ListedEdit<About>[]): void {
    this.#reframe(edits);
    this.#edits = edits;
  }

  do(step: Step<About>): Changed[] {
    return this.#write(step, 'after');
  }

  undo(step: Step<About>): Changed[] {
    return this.#write(step, 'before');
  }

  #write({ changes, edits }: Step<About>, which: 'before' | 'after'): Changed[] {
    // A step's changes are on the canvas as it is before the step.
    if (edits && which === 'before') this.#reframe(edits.before);
    const changed = changes.map(({ layer, [which]: deflated, left, top, width, height }) => {
      const patch = unpacked({ left, top, width, height, deflated }, this[layer].channels);
      if (!fits(patch, this[layer])) throw new RangeError('The change does not fit the image.');
      paste(this[layer], patch);
      return { layer, patch };
    });
    if (edits && which === 'after') this.#reframe(edits.after);
    if (edits) this.#edits = edits[which];
    return changed;
  }

  /** Gives the canvas the size that it has with other edits. */
  #reframe(edits: readonly ListedEdit<About>[]): void {
    const from = this.frame;
    const to = frameOf(edits, this.original);
    if (sameArea(from, to)) return;
    const canvas = this.#composed(edits);
    this.#mask = reframed(this.#mask, from, to);
    for (const layer of ['control', 'colours'] as const) {
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

  #relisting(label: string, edits: readonly ListedEdit<About>[]): Step<About> | undefined {
    return edits.some((edit, i) => edit !== this.#edits[i]) ? this.#listing(label, edits) : undefined;
  }

  #isAsIn({ raster, frame }: Canvas): boolean {
    return sameArea(frame, this.frame) && !difference(this.pixels, raster);
  }

  /** The step that lays a result over the picture that it was painted on, the values of which are packed already. */
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
  #listing(label: string, edits: readonly ListedEdit<About>[]): Step<About> {
    const step: Step<About> = { label, changes: [], edits: { before: this.#edits, after: edits } };
    const { raster, frame } = this.#composed(edits);
    if (sameArea(frame, this.frame)) {
      const area = difference(this.pixels, raster);
      const change = area && this.#change('pixels', cut(raster, area));
      if (change) step.changes.push(change);
      return step;
    }
    // An undo must restore the parts of these layers that a smaller canvas cuts off.
    for (const layer of overlays()) {
      if (layer !== 'mask' && !this.#drawn[layer]) continue;
      const stays = reframed(reframed(this[layer], this.frame, frame), frame, this.frame);
      const change = this.#change(layer, cut(stays, wholeOf(stays)));
      if (change) step.changes.push(change);
    }
    return step;
  }

  #composed(edits: readonly ListedEdit<About>[]): Canvas {
    const [now, wanted] = [this.#edits, edits].map((all) => all.filter(({ shown }) => shown));
    // What is laid over everything needs nothing of it again.
    const isMore = now!.every((edit, i) => edit === wanted![i]);
    let canvas = isMore ? this.canvas() : { raster: copyOf(this.original), frame: wholeOf(this.original) };
    for (const edit of isMore ? wanted!.slice(now!.length) : wanted!) {
      canvas = withEdges(canvas, edit.content);
      applyTo(canvas, edit, this.original);
    }
    return canvas;
  }

  #change(layer: Layer, patch: Patch): Change | undefined {
    const raster = this[layer];
    if (!fits(patch, raster) || patch.data.length !== patch.width * patch.height * raster.channels)
      throw new RangeError('The change does not fit the image.');
    const before = cut(raster, patch).data;
    const { channels } = raster;
    if (!difference({ ...patch, channels, data: before }, { ...patch, channels })) return undefined;
    const { left, top, width, height } = patch;
    return { layer, left, top, width, height, before: deflate(before), after: deflate(patch.data) };
  }
}

/** Where each layer is not as the file has it. */
export function changedLayers(model: PictureModel): (readonly [Layer, Area | undefined])[] {
  return [
    ['pixels', model.changed],
    ['mask', model.masked],
    ['control', model.controlled],
    ['colours', model.coloured],
  ];
}

export function packed({ left, top, width, height, data }: Patch): Packed {
  return { left, top, width, height, deflated: deflate(data) };
}

/** @throws RangeError if it does not inflate to exactly its area's values, of this many channels; more are not read */
export function unpacked({ deflated, left, top, width, height }: Packed, channels: number): Patch {
  const length = width * height * channels;
  const data = new Uint8Array(inflateRawSync(deflated, { maxOutputLength: Math.max(1, length) }));
  if (data.length !== length) throw new RangeError('A part of an image is damaged.');
  return { left, top, width, height, data };
}

/** Whether an edit was painted with a mask or colours, which can be brought back. */
export function isReselectable({ mask, colours }: ListedEdit): boolean {
  return mask !== undefined || colours !== undefined;
}

/** How much of an edit is seen, 0 … 1. */
export function opacityOf({ opacity = 1 }: ListedEdit): number {
  return opacity;
}

/** The area that an edit may change; of a crop, what stays. */
export function areaOf(content: EditContent): Area {
  if (content.kind === 'crop') return content.area;
  return content.kind === 'paint' ? content.to : content.coverage;
}

/** A layer that an edit was painted with, at its place in the file's pixels, where there is anything in it. */
function packedLayer(
  layer: 'mask' | 'colours',
  { [layer]: raster }: { mask: Raster; colours: Raster | undefined },
  frame: Area,
): Partial<Record<typeof layer, Packed>> {
  const bounds = raster && boundsOf(raster);
  return bounds ? { [layer]: packed(shifted(cut(raster, bounds), frame, 1)) } : {};
}

/** What painting has changed; undefined if nothing. */
function paintOf(start: Canvas, result: Raster, extension?: Extension): PaintContent | undefined {
  const before = extension ? extended(start, extension) : start;
  const area = difference(before.raster, result) ?? (extension && wholeOf(result));
  if (!area) return undefined;
  const placed = (raster: Raster) => packed(shifted(cut(raster, area), before.frame, 1));
  return { kind: 'paint', from: placed(before.raster), to: placed(result), ...(extension && { extension }) };
}

/** Where the canvas is in the file's pixels, with the extensions and crops of all edits that are shown. */
export function frameOf(edits: readonly ListedEdit[], original: { width: number; height: number }): Area {
  let frame = wholeOf(original);
  for (const { shown, content } of edits) {
    if (shown) frame = frameAfter(content, frame);
  }
  return frame;
}

function frameAfter(content: EditContent, frame: Area): Area {
  const extension = extensionOf(content, frame);
  return extension ? grownBy(frame, extension) : (cropOf(content, frame) ?? frame);
}

/** What a crop leaves of a canvas; undefined if all or nothing, because the canvas is elsewhere. */
function cropOf(content: EditContent, frame: Area): Area | undefined {
  if (content.kind !== 'crop') return undefined;
  const left = common(frame, content.area);
  return isEmpty(left) || sameArea(left, frame) ? undefined : left;
}

/** A canvas with the edges that an edit gives it. */
function withEdges(canvas: Canvas, content: EditContent): Canvas {
  const extension = extensionOf(content, canvas.frame);
  if (extension) return extended(canvas, extension);
  const crop = cropOf(content, canvas.frame);
  return crop ? { raster: reframed(canvas.raster, canvas.frame, crop), frame: crop } : canvas;
}

/** By how much an edit makes a canvas larger; one that would become too large stays as it is. */
function extensionOf(content: EditContent, frame: Area): Extension | undefined {
  const extension = content.kind === 'paint' ? content.extension : undefined;
  if (!extension) return undefined;
  const grown = grownBy(frame, extension);
  const isPossible = Math.max(grown.width, grown.height) <= LIMITS.size.max && !sameArea(grown, frame);
  return isPossible ? extension : undefined;
}

function grownBy(
  { left, top, width, height }: Area,
  { left: l, top: t, right: r, bottom: b }: Extension,
): Area {
  return { left: left - l, top: top - t, width: width + l + r, height: height + t + b };
}

/** A larger canvas; new pixels repeat the nearest one of the old edge. */
function extended({ raster, frame }: Canvas, extension: Extension): Canvas {
  const { width, height, pixels } = extendPicture({ ...raster, pixels: raster.data }, extension);
  const data = new Uint8Array(pixels);
  return { raster: { width, height, channels: 3, data }, frame: grownBy(frame, extension) };
}

/** A patch of the canvas at its place in the file's pixels (1), or the other way (−1). */
function shifted(patch: Patch, frame: Area, direction: 1 | -1): Patch {
  return {
    ...patch,
    left: patch.left + direction * frame.left,
    top: patch.top + direction * frame.top,
  };
}

/** A layer on a canvas of another place and size: what lies beyond it is cut off, what is new is 0. */
function reframed(layer: Raster, from: Area, to: Area): Raster {
  const moved = blankRaster(to.width, to.height, layer.channels);
  const kept = within(shifted(shifted(cut(layer, wholeOf(layer)), from, 1), to, -1), moved);
  if (kept) paste(moved, kept);
  return moved;
}

/** Applies an edit to a canvas. */
function applyTo({ raster, frame }: Canvas, edit: ListedEdit, original: Raster): void {
  const { content } = edit;
  const opacity = opacityOf(edit);
  if (content.kind === 'crop') return;
  if (content.kind === 'paint') {
    const [from, to] = [content.from, content.to].map((part) =>
      within(shifted(unpacked(part, 3), frame, -1), raster),
    );
    if (!from || !to) return;
    const patch = cut(raster, to);
    mixDifferent(patch.data, from.data, to.data, opacity);
    paste(raster, patch);
    return;
  }
  const coverage = within(shifted(unpacked(content.coverage, 1), frame, -1), raster);
  if (!coverage) return;
  const { data } = cut(original, shifted(coverage, frame, 1));
  const patch = cut(raster, coverage);
  for (let i = 0; i < data.length; i++) {
    const weight = (opacity * coverage.data[Math.floor(i / 3)]!) / 255;
    patch.data[i] = mixed(patch.data[i]!, data[i]!, weight);
  }
  paste(raster, patch);
}

/** Mixes in the values of pixels that are not the same in two patches, whole pixels at a time. */
function mixDifferent(data: Uint8Array, from: Uint8Array, to: Uint8Array, opacity: number): void {
  for (let i = 0; i < to.length; i += 3) {
    if (from[i] === to[i] && from[i + 1] === to[i + 1] && from[i + 2] === to[i + 2]) continue;
    data[i] = mixed(data[i]!, to[i]!, opacity);
    data[i + 1] = mixed(data[i + 1]!, to[i + 1]!, opacity);
    data[i + 2] = mixed(data[i + 2]!, to[i + 2]!, opacity);
  }
}

/** A value on the way from one to another, 0 … 1; exactly the other at 1. */
function mixed(from: number, to: number, weight: number): number {
  return Math.round(from + weight * (to - from));
}

function deflate(data: Uint8Array): Uint8Array {
  return deflateRawSync(data, { level: 1 });
}
