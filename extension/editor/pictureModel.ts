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

/** A change of an area of the mask or of the picture that can be taken back and done again. */
export interface Edit<About = unknown> extends Area {
  layer: Layer;
  /** In the undo menu. */
  label: string;
  /** Deflated values before and after. */
  before: Uint8Array;
  after: Uint8Array;
  /** What the user may want to know of it. */
  about?: About;
}

/**
 * An opened picture: its pixels and the mask over it, changed by reversible edits. Edits may be taken back in any
 * order that they were done in, as VS Code's undo does.
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
  readonly #painted: Edit<About>[] = [];

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

  /** The last edit of the pixels that is in effect. */
  get lastPainted(): Edit<About> | undefined {
    return this.#painted.at(-1);
  }

  /**
   * An edit that is not done yet; undefined if it would change nothing.
   * @throws RangeError if the patch does not fit the picture
   */
  edit(layer: Layer, label: string, patch: Patch, about?: About): Edit<About> | undefined {
    const raster = this[layer];
    if (!fits(patch, raster) || patch.data.length !== patch.width * patch.height * raster.channels)
      throw new RangeError('The change does not fit the picture.');
    const before = cut(raster, patch).data;
    if (before.every((value, i) => value === patch.data[i])) return undefined;
    const { left, top, width, height } = patch;
    return {
      ...{ layer, label, left, top, width, height, about },
      before: deflateRawSync(before, { level: 1 }),
      after: deflateRawSync(patch.data, { level: 1 }),
    };
  }

  /** An edit that brings pixels back as the file has them, as far as a coverage of 0 … 255 says. */
  restoration(label: string, coverage: Patch, about?: About): Edit<About> | undefined {
    if (!fits(coverage, this) || coverage.data.length !== coverage.width * coverage.height)
      throw new RangeError('The change does not fit the picture.');
    const original = cut(this.original, coverage).data;
    const { data } = cut(this.pixels, coverage);
    for (let i = 0; i < data.length; i++) {
      const weight = coverage.data[Math.floor(i / 3)]! / 255;
      data[i] = Math.round(data[i]! + weight * (original[i]! - data[i]!));
    }
    return this.edit('pixels', label, { ...coverage, data }, about);
  }

  /** @returns what has changed. */
  do(edit: Edit<About>): Patch {
    if (edit.layer === 'pixels') this.#painted.push(edit);
    return this.#write(edit, edit.after);
  }

  /** @returns what has changed. */
  undo(edit: Edit<About>): Patch {
    const at = this.#painted.lastIndexOf(edit);
    if (at >= 0) this.#painted.splice(at, 1);
    return this.#write(edit, edit.before);
  }

  /** Whether an edit of another model of the same file could be done or undone here. */
  takes(edit: Edit<About>): boolean {
    return fits(edit, this);
  }

  #write({ layer, left, top, width, height }: Edit<About>, deflated: Uint8Array): Patch {
    const patch = { left, top, width, height, data: new Uint8Array(inflateRawSync(deflated)) };
    paste(this[layer], patch);
    return patch;
  }
}

/** The patch that brings `base`'s pixels where `result` differs from what it was made from; undefined if nowhere. */
export function paintedOver(base: Raster, start: Raster, result: Raster): Patch | undefined {
  const area = difference(start, result);
  if (!area) return undefined;
  const patch = cut(base, area);
  const [from, to] = [cut(start, area).data, cut(result, area).data];
  for (let i = 0; i < to.length; i++) if (from[i] !== to[i]) patch.data[i] = to[i]!;
  return patch;
}
