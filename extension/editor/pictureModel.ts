import { randomUUID } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  type Area,
  blankRaster,
  boundsOf,
  cut,
  difference,
  fits,
  type Patch,
  paste,
  type Raster,
} from '../../shared/raster.ts';

export type Layer = 'mask' | 'pixels';

/** The values of an area, deflated. */
export interface Packed extends Area {
  deflated: Uint8Array;
}

/** What one edit does to the pixels, whatever lies below it. */
export type EditContent =
  /** Where the two differ, pixels become what they are in `to`. */
  | { kind: 'paint'; from: Packed; to: Packed }
  /** Pixels go back to the file's as far as a coverage of 0 … 255 says. */
  | { kind: 'restore'; coverage: Packed };

/** An edit of the pixels, as the list of edits has it. Never changed: a step puts another in its place. */
export interface ListedEdit<About = unknown> {
  readonly id: string;
  readonly label: string;
  readonly content: EditContent;
  /** Part of the picture as it is now. */
  readonly shown: boolean;
  /** The mask that it was painted with. */
  readonly mask?: Packed;
  /** What the user may want to know of it. */
  readonly about?: About;
}

/** A change of an area of one layer. */
interface Change extends Area {
  layer: Layer;
  /** Deflated values. */
  before: Uint8Array;
  after: Uint8Array;
}

/** Something that can be taken back and done again. */
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

/** A result of painting: two pictures of the model's size. */
export interface Painting<About> {
  label: string;
  start: Raster;
  result: Raster;
  /** The mask that it was painted with; the model's mask is cleared if it is still the same. */
  mask: Raster;
  about: About;
  /** An edit that is hidden by the same step. */
  replaces?: string;
}

/**
 * An opened picture: its pixels, the edits that they come from, and the mask over it, changed by reversible steps, which
 * are taken back in the reverse of the order that they were done in.
 */
export class PictureModel<About = unknown> {
  readonly width: number;
  readonly height: number;
  /** RGB as the file has them. */
  readonly original: Raster;
  /** RGB as they are now. */
  readonly pixels: Raster;
  /** How much each pixel is masked, 0 … 255. */
  readonly mask: Raster;
  #edits: readonly ListedEdit<About>[] = [];

  constructor(original: Raster) {
    this.width = original.width;
    this.height = original.height;
    this.original = original;
    this.pixels = { ...original, data: original.data.slice() };
    this.mask = blankRaster(original.width, original.height, 1);
  }

  /** Where the picture is not as the file has it; undefined if nowhere. */
  get changed(): Area | undefined {
    return difference(this.original, this.pixels);
  }

  /** Where there is a mask; undefined if nowhere. */
  get masked(): Area | undefined {
    return boundsOf(this.mask);
  }

  /** All edits, shown or not, the first below. */
  get edits(): readonly ListedEdit<About>[] {
    return this.#edits;
  }

  /** The last edit that was painted and is shown. */
  get lastPainted(): ListedEdit<About> | undefined {
    return this.#edits.findLast(({ shown, content }) => shown && content.kind === 'paint');
  }

  /** The picture as it is without one of its edits. */
  without(id: string): Raster {
    return this.#composed(this.#edits.filter((edit) => edit.id !== id));
  }

  /**
   * A new mask in an area; undefined if it is the old one.
   * @throws RangeError if the patch does not fit the picture
   */
  masking(label: string, patch: Patch): Step<About> | undefined {
    const change = this.#change('mask', patch);
    return change && { label, changes: [change] };
  }

  /** Puts a result over the picture; undefined if it changes no pixel. */
  painting({ label, start, result, mask, about, replaces }: Painting<About>): Step<About> | undefined {
    const area = difference(start, result);
    if (!area) return undefined;
    const content: EditContent = {
      kind: 'paint',
      from: packed(cut(start, area)),
      to: packed(cut(result, area)),
    };
    const bounds = boundsOf(mask);
    const edit: ListedEdit<About> = {
      id: randomUUID(),
      label,
      content,
      shown: true,
      about,
      ...(bounds && { mask: packed(cut(mask, bounds)) }),
    };
    const others = this.#edits.map((other) => (other.id === replaces ? { ...other, shown: false } : other));
    const step = this.#listing(label, [...others, edit]);
    const isSpent = this.mask.data.every((value, i) => value === mask.data[i]);
    const cleared = isSpent && bounds ? this.#change('mask', blankPatch(bounds)) : undefined;
    if (cleared) step.changes.push(cleared);
    return step;
  }

  /** Brings pixels back as the file has them, as far as a coverage of 0 … 255 says; undefined where they are so. */
  restoring(label: string, coverage: Patch): Step<About> | undefined {
    if (!fits(coverage, this) || coverage.data.length !== coverage.width * coverage.height)
      throw new RangeError('The change does not fit the picture.');
    const content: EditContent = { kind: 'restore', coverage: packed(coverage) };
    const step = this.#listing(label, [...this.#edits, { id: randomUUID(), label, content, shown: true }]);
    return step.changes.length > 0 ? step : undefined;
  }

  /** Shows the edits that pass a test and hides the others; undefined if that is so already. */
  showing(
    label: string,
    isShown: (edit: ListedEdit<About>, index: number) => boolean,
  ): Step<About> | undefined {
    const edits = this.#edits.map((edit, i) => {
      const shown = isShown(edit, i);
      return edit.shown === shown ? edit : { ...edit, shown };
    });
    return edits.some((edit, i) => edit !== this.#edits[i]) ? this.#listing(label, edits) : undefined;
  }

  /** Takes over the edits of an earlier model of the same file, whose pixels are here already. */
  adopt(edits: readonly ListedEdit<About>[]): void {
    this.#edits = edits;
  }

  do(step: Step<About>): Changed[] {
    return this.#write(step, 'after');
  }

  undo(step: Step<About>): Changed[] {
    return this.#write(step, 'before');
  }

  #write({ changes, edits }: Step<About>, which: 'before' | 'after'): Changed[] {
    if (edits) this.#edits = edits[which];
    return changes.map(({ layer, [which]: deflated, left, top, width, height }) => {
      const patch = unpacked({ left, top, width, height, deflated }, this[layer].channels);
      paste(this[layer], patch);
      return { layer, patch };
    });
  }

  /** The step to another list of edits, and to the pixels that it gives. */
  #listing(label: string, edits: readonly ListedEdit<About>[]): Step<About> {
    const picture = this.#composed(edits);
    const area = difference(this.pixels, picture);
    const change = area && this.#change('pixels', cut(picture, area));
    return { label, changes: change ? [change] : [], edits: { before: this.#edits, after: edits } };
  }

  #composed(edits: readonly ListedEdit<About>[]): Raster {
    const picture = { ...this.original, data: this.original.data.slice() };
    for (const { shown, content } of edits) if (shown) layOver(picture, content, this.original);
    return picture;
  }

  #change(layer: Layer, patch: Patch): Change | undefined {
    const raster = this[layer];
    if (!fits(patch, raster) || patch.data.length !== patch.width * patch.height * raster.channels)
      throw new RangeError('The change does not fit the picture.');
    const before = cut(raster, patch).data;
    if (before.every((value, i) => value === patch.data[i])) return undefined;
    const { left, top, width, height } = patch;
    return { layer, left, top, width, height, before: deflate(before), after: deflate(patch.data) };
  }
}

export function packed({ left, top, width, height, data }: Patch): Packed {
  return { left, top, width, height, deflated: deflate(data) };
}

/** @throws RangeError if it does not inflate to exactly its area's values, of so many channels; more are not read */
export function unpacked({ deflated, left, top, width, height }: Packed, channels: number): Patch {
  const length = width * height * channels;
  const data = new Uint8Array(inflateRawSync(deflated, { maxOutputLength: Math.max(1, length) }));
  if (data.length !== length) throw new RangeError('A part of a picture is damaged.');
  return { left, top, width, height, data };
}

/** The area that an edit may change. */
export function areaOf(content: EditContent): Area {
  return content.kind === 'paint' ? content.to : content.coverage;
}

/** Does to a picture what an edit does. */
function layOver(picture: Raster, content: EditContent, original: Raster): void {
  if (content.kind === 'paint') {
    const [from, to] = [unpacked(content.from, 3), unpacked(content.to, 3)];
    const patch = cut(picture, to);
    putDifferent(patch.data, from.data, to.data);
    paste(picture, patch);
    return;
  }
  const coverage = unpacked(content.coverage, 1);
  const { data } = cut(original, coverage);
  const patch = cut(picture, coverage);
  for (let i = 0; i < data.length; i++) {
    const weight = coverage.data[Math.floor(i / 3)]! / 255;
    patch.data[i] = Math.round(patch.data[i]! + weight * (data[i]! - patch.data[i]!));
  }
  paste(picture, patch);
}

/** Puts the values of pixels that are not the same in two patches, whole pixels at a time. */
function putDifferent(data: Uint8Array, from: Uint8Array, to: Uint8Array): void {
  for (let i = 0; i < to.length; i += 3) {
    if (from[i] === to[i] && from[i + 1] === to[i + 1] && from[i + 2] === to[i + 2]) continue;
    data[i] = to[i]!;
    data[i + 1] = to[i + 1]!;
    data[i + 2] = to[i + 2]!;
  }
}

function deflate(data: Uint8Array): Uint8Array {
  return deflateRawSync(data, { level: 1 });
}

function blankPatch({ left, top, width, height }: Area): Patch {
  return { left, top, width, height, data: new Uint8Array(width * height) };
}
