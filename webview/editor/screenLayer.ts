import { type Area, clip, common, isEmpty, unite } from '../../shared/raster.ts';
import { type Size, screenAreaOf, type ViewTransform } from './viewTransform.ts';

/** Pixels of the screen around a change that may look different after it. */
const MARGIN = 2;

/**
 * A canvas over the stage, in pixels of the screen, so that what is drawn costs as much as the changed part of the screen,
 * whatever the size of the picture.
 */
export class ScreenLayer {
  readonly canvas = document.createElement('canvas');
  readonly #context: CanvasRenderingContext2D;
  readonly #extent: () => Area | undefined;
  readonly #draw: (context: CanvasRenderingContext2D, area: Area, view: ViewTransform) => void;
  #view: ViewTransform = { scale: 1, left: 0, top: 0 };
  #size: Size = { width: 0, height: 0 };
  /** What has to be drawn again at the next frame, in pixels of the screen. */
  #dirty: Area | undefined;
  #frame: number | undefined;

  /**
   * @param extent where in the picture there is anything to see
   * @param draw draws an area of the screen that was cleared, and nothing outside of it
   */
  constructor(
    className: string,
    extent: () => Area | undefined,
    draw: (context: CanvasRenderingContext2D, area: Area, view: ViewTransform) => void,
  ) {
    this.canvas.className = className;
    this.canvas.hidden = true;
    this.#context = this.canvas.getContext('2d', { willReadFrequently: true })!;
    this.#extent = extent;
    this.#draw = draw;
  }

  /** Follows the picture in a stage of a size. */
  follow(view: ViewTransform, size: Size): void {
    this.#view = view;
    this.#size = size;
    this.redraw();
  }

  /** Draws a changed area of the picture at the next frame. */
  changed(area: Area): void {
    const { left, top, width, height } = screenAreaOf(this.#view, area);
    this.#mark({
      left: left - MARGIN,
      top: top - MARGIN,
      width: width + 2 * MARGIN,
      height: height + 2 * MARGIN,
    });
  }

  redraw(): void {
    this.#mark({ left: 0, top: 0, ...this.#size });
  }

  #mark(area: Area): void {
    this.#dirty = unite(this.#dirty, area);
    this.#frame ??= requestAnimationFrame(() => this.#update());
  }

  #update(): void {
    const { canvas } = this;
    const { width, height } = this.#size;
    const area = clip(this.#dirty!, this.#size);
    this.#dirty = undefined;
    this.#frame = undefined;
    const extent = this.#extent();
    canvas.hidden = !extent;
    if (!extent) {
      this.#context.clearRect(0, 0, canvas.width, canvas.height);
      return;
    }
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    this.#context.clearRect(area.left, area.top, area.width, area.height);
    const seen = screenAreaOf(this.#view, extent);
    const around = { left: seen.left - 1, top: seen.top - 1, width: seen.width + 2, height: seen.height + 2 };
    const part = common(area, around);
    if (!isEmpty(part)) this.#draw(this.#context, part, this.#view);
  }
}
