import {
  type Area,
  blankPatch,
  blankRaster,
  boundsOf,
  clip,
  cut,
  isEmpty,
  type Patch,
  paste,
  type Raster,
  unite,
} from '../../shared/raster.ts';
import type { Size } from './viewTransform.ts';

/** A gesture that is under way. */
interface Gesture {
  /** The area of the mask that it replaces. */
  cleared: Area | undefined;
  /** Where it has painted. */
  touched: Area | undefined;
}

/**
 * A mask of the picture, its control layer or its painted colours, changed by gestures, each reported as one change at its
 * end. All but `bounds` costs as much as the changed area, whatever the size of the picture.
 */
export class MaskLayer {
  readonly raster: Raster;
  /** The mask without the gesture that is under way. */
  readonly #settled: Raster;
  readonly #onChange: (label: string, patch: Patch, whole?: boolean) => void;
  /** Nothing is masked outside of it. */
  #extent: Area | undefined;
  #gesture: Gesture | undefined;
  /** An edit has this mask: the next gesture begins a new one. */
  spent = false;
  /** Called when values of an area have changed. */
  onDraw: (area: Area) => void = () => {};

  constructor(
    { width, height }: Size,
    onChange: (label: string, patch: Patch, whole?: boolean) => void,
    channels = 1,
  ) {
    this.raster = blankRaster(width, height, channels);
    this.#settled = blankRaster(width, height, channels);
    this.#onChange = onChange;
  }

  /** Nothing is masked outside of it, but it may be larger than the mask. */
  get extent(): Area | undefined {
    return this.#extent;
  }

  /** Where there is a mask. */
  get bounds(): Area | undefined {
    const within = this.#extent;
    const bounds = within && boundsOf({ ...cut(this.raster, within), channels: this.raster.channels });
    this.#extent = bounds && { ...bounds, left: bounds.left + within.left, top: bounds.top + within.top };
    return this.#extent;
  }

  /** Applies a change from the extension host. */
  write(patch: Patch): void {
    paste(this.#settled, patch);
    this.#show(patch);
  }

  /** Changes all of it at once, without a gesture. */
  change(label: string, patch: Patch): void {
    this.write(patch);
    this.#onChange(label, patch, true);
  }

  begin(): void {
    const cleared = this.spent ? this.bounds : undefined;
    this.#gesture = { cleared, touched: undefined };
    if (cleared) this.#show(blankPatch(cleared, this.raster.channels));
    this.spent = false;
  }

  /** Records what a gesture has painted into the raster. */
  painted(area: Area): void {
    const inside = clip(area, this.raster);
    if (this.#gesture) this.#gesture.touched = unite(this.#gesture.touched, inside);
    this.#changed(inside);
  }

  /** A copy of an area's values, without what the current gesture has painted. */
  before(area: Area): Patch {
    return this.#gesture?.cleared ? blankPatch(area, this.raster.channels) : cut(this.#settled, area);
  }

  /** Undoes what the current gesture has painted, to paint something else. */
  rewind(): void {
    const { touched } = this.#gesture ?? {};
    if (!touched || isEmpty(touched)) return;
    this.#show(this.before(touched));
    this.#gesture!.touched = undefined;
  }

  /** Ends the gesture. */
  end(label: string): void {
    const { touched, cleared } = this.#gesture ?? {};
    if (!touched || isEmpty(touched)) {
      this.cancel();
      return;
    }
    this.#gesture = undefined;
    const patch = cut(this.raster, unite(cleared, touched));
    paste(this.#settled, patch);
    this.#onChange(label, patch);
  }

  cancel(): void {
    this.rewind();
    const { cleared } = this.#gesture ?? {};
    if (cleared) {
      this.#show(cut(this.#settled, cleared));
      this.spent = true;
    }
    this.#gesture = undefined;
  }

  #show(patch: Patch): void {
    paste(this.raster, patch);
    this.#changed(patch);
  }

  #changed(area: Area): void {
    if (isEmpty(area)) return;
    this.#extent = unite(this.#extent, area);
    this.onDraw(area);
  }
}
