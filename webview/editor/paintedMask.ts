import { objectMargin, withObjectMargins } from '../../shared/margins.ts';
import {
  type Area,
  around,
  blankRaster,
  boundsOf,
  clip,
  isEmpty,
  type Patch,
  paste,
  type Raster,
  unite,
  wholeOf,
} from '../../shared/raster.ts';

/** What an edit with a prompt paints of a mask: with margins around selected objects. */
export class PaintedMask {
  readonly #mask: Raster;
  /** Until something is selected there are none. */
  #drawn: { objects: Raster; painted: Raster } | undefined;
  /** Where it is not as it should be. */
  #stale: Area | undefined;
  #hasObjects = false;

  constructor(mask: Raster) {
    this.#mask = mask;
  }

  /** Pixels around the mask that may be painted too; 0 if no objects are selected. */
  get margin(): number {
    return this.#hasObjects ? objectMargin(this.#mask) : 0;
  }

  /** The mask itself if no objects are selected. */
  get raster(): Raster {
    if (!this.#hasObjects) return this.#mask;
    const { objects, painted } = this.#drawn!;
    const stale = this.#stale && clip(this.#stale, this.#mask);
    this.#stale = undefined;
    if (stale && !isEmpty(stale)) paste(painted, withObjectMargins(this.#mask, objects, stale));
    return painted;
  }

  /** New values of where objects are selected. */
  select(patch: Patch): void {
    const { width, height } = this.#mask;
    this.#drawn ??= { objects: blankRaster(width, height, 1), painted: blankRaster(width, height, 1) };
    const had = this.#hasObjects;
    paste(this.#drawn.objects, patch);
    this.#hasObjects = boundsOf(this.#drawn.objects) !== undefined;
    this.changed(had ? patch : wholeOf(this.#mask));
  }

  /** The mask has other values in an area. */
  changed(area: Area): void {
    if (this.#hasObjects) this.#stale = unite(this.#stale, around(area, this.margin));
  }
}
