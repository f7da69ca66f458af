import {
  type Area,
  blankRaster,
  boundsOf,
  clip,
  cut,
  isEmpty,
  type Patch,
  paste,
  type Raster,
  sameArea,
  unite,
} from '../../shared/raster.ts';
import type { Size } from './viewTransform.ts';

export type Colour = readonly [red: number, green: number, blue: number];

/** A gesture that is under way. */
interface Gesture {
  /** The raster before it. */
  before: Uint8Array<ArrayBuffer>;
  /** The area of the mask that it replaces. */
  cleared: Area | undefined;
  /** Where it has painted. */
  touched: Area | undefined;
}

/** A mask of the picture with the canvas that shows it: painted by gestures, each reported as one change at its end. */
export class MaskLayer {
  readonly canvas = document.createElement('canvas');
  readonly raster: Raster;
  readonly #context: CanvasRenderingContext2D;
  readonly #onChange: (label: string, patch: Patch) => void;
  readonly #source: ((area: Area) => ImageData) | undefined;
  #colour: Colour = [0, 120, 212];
  /** What has to be drawn again at the next frame. */
  #dirty: Area | undefined;
  #frame: number | undefined;
  /** Where the canvas may have something on it: an empty one is hidden, since large ones cost time at every frame. */
  #drawn: Area | undefined;
  #gesture: Gesture | undefined;
  /** An edit has this mask: the next gesture begins a new one. */
  spent = false;
  /** Called when the canvas shows other values. */
  onDraw: () => void = () => {};

  /** @param source what is seen through the mask; its colour if absent. */
  constructor(
    { width, height }: Size,
    onChange: (label: string, patch: Patch) => void,
    source?: (area: Area) => ImageData,
  ) {
    this.#source = source;
    this.raster = blankRaster(width, height, 1);
    this.canvas.width = width;
    this.canvas.height = height;
    this.canvas.hidden = true;
    this.#context = this.canvas.getContext('2d')!;
    this.#onChange = onChange;
  }

  /** Where there is a mask. */
  get bounds(): Area | undefined {
    return boundsOf(this.raster);
  }

  set colour(colour: Colour) {
    this.#colour = colour;
    const { bounds } = this;
    if (bounds) this.#redraw(bounds);
  }

  /** Applies a change from the extension host. */
  write(patch: Patch): void {
    paste(this.raster, patch);
    this.#redraw(patch);
  }

  /** Changes a part at once. */
  change(label: string, patch: Patch): void {
    this.write(patch);
    this.#onChange(label, patch);
  }

  begin(): void {
    const cleared = this.spent ? this.bounds : undefined;
    this.#gesture = { before: this.raster.data.slice(), cleared, touched: undefined };
    if (cleared) this.write({ ...cleared, data: new Uint8Array(cleared.width * cleared.height) });
    this.spent = false;
  }

  /** Records what a gesture has painted into the raster. */
  painted(area: Area): void {
    if (this.#gesture) this.#gesture.touched = unite(this.#gesture.touched, area);
    this.#redraw(area);
  }

  /** Undoes what the current gesture has painted, to paint something else. */
  rewind(): void {
    const { before, cleared, touched } = this.#gesture ?? {};
    if (!before || !touched) return;
    const data = cleared ? new Uint8Array(before.length) : before;
    this.write(cut({ ...this.raster, data }, clip(touched, this.raster)));
    this.#gesture!.touched = undefined;
  }

  /** Ends the gesture. */
  end(label: string): void {
    const { touched, cleared } = this.#gesture ?? {};
    const area = touched && clip(touched, this.raster);
    if (!area || isEmpty(area)) {
      this.cancel();
      return;
    }
    this.#gesture = undefined;
    this.#onChange(label, cut(this.raster, unite(cleared, area)));
  }

  cancel(): void {
    this.rewind();
    const { before, cleared } = this.#gesture ?? {};
    if (before && cleared) {
      this.write(cut({ ...this.raster, data: before }, cleared));
      this.spent = true;
    }
    this.#gesture = undefined;
  }

  #redraw(area: Area): void {
    this.#dirty = unite(this.#dirty, area);
    this.#frame ??= requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    const area = this.#dirty && clip(this.#dirty, this.raster);
    this.#dirty = undefined;
    this.#frame = undefined;
    if (!area || area.width === 0 || area.height === 0) return;
    const image = this.#source?.(area) ?? this.#filled(area);
    const { data, width } = this.raster;
    let any = 0;
    for (let y = 0, i = 3; y < area.height; y++) {
      const row = (area.top + y) * width + area.left;
      for (let x = 0; x < area.width; x++, i += 4) {
        const value = data[row + x]!;
        any |= value;
        image.data[i] = (image.data[i]! * value) / 255;
      }
    }
    this.#context.putImageData(image, area.left, area.top);
    const covered = this.#drawn && sameArea(unite(this.#drawn, area), area);
    if (any !== 0) this.#drawn = unite(this.#drawn, area);
    else if (covered) this.#drawn = undefined;
    this.canvas.hidden = !this.#drawn;
    this.onDraw();
  }

  #filled({ width, height }: Area): ImageData {
    const image = this.#context.createImageData(width, height);
    const [red, green, blue] = this.#colour;
    // Red is in the lowest byte on all processors that browsers run on.
    new Uint32Array(image.data.buffer).fill((255 << 24) | (blue << 16) | (green << 8) | red);
    return image;
  }
}
