import { type Extension, NO_EXTENSION } from '../../shared/editorProtocol.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Size, ViewTransform } from './viewTransform.ts';

/** Pixels of the image that edges move by: the engine works in such steps. */
const STEP = LIMITS.size.multipleOf;

const SIDES = {
  left: { title: 'left', cross: 'width', opposite: 'right', sign: -1, axis: 'clientX' },
  top: { title: 'top', cross: 'height', opposite: 'bottom', sign: -1, axis: 'clientY' },
  right: { title: 'right', cross: 'width', opposite: 'left', sign: 1, axis: 'clientX' },
  bottom: { title: 'bottom', cross: 'height', opposite: 'top', sign: 1, axis: 'clientY' },
} as const;
type Side = keyof typeof SIDES;

/** As much as a canvas of a size can be extended at a side, in whole steps. */
export function mostExtension(size: Size, extension: Extension, side: Side): number {
  const { cross, opposite } = SIDES[side];
  const room = LIMITS.size.max - size[cross] - extension[opposite];
  return Math.max(0, Math.floor(Math.min(room, LIMITS.extension.max) / STEP) * STEP);
}

/** Why a canvas of a size cannot be extended so; undefined if it can. */
export function extensionHindrance(size: Size, extension: Extension): string | undefined {
  const { left, top, right, bottom } = extension;
  const [width, height] = [size.width + left + right, size.height + top + bottom];
  const { max } = LIMITS.size;
  if (size.width >= max && size.height >= max)
    return `An image of ${size.width} × ${size.height} pixels cannot be extended: at most ${max} × ${max} are possible.`;
  if (width > max || height > max)
    return `The extended image would have ${width} × ${height} pixels; at most ${max} × ${max} are possible.`;
  if (left + top + right + bottom === 0) return 'Drag an edge of the image outwards first.';
  return undefined;
}

/** The edges of the future canvas, over the stage: each is dragged, or moved by arrow keys. */
export class ExtendFrame {
  readonly element = document.createElement('div');
  readonly #handles: Readonly<Record<Side, HTMLElement>>;
  readonly #onChange: (extension: Extension) => void;
  #size: Size = { width: 0, height: 0 };
  #view: ViewTransform = { scale: 1, left: 0, top: 0 };
  #extension: Extension = NO_EXTENSION;

  constructor(onChange: (extension: Extension) => void) {
    this.#onChange = onChange;
    this.element.className = 'extend-frame';
    this.element.hidden = true;
    const handle = (side: Side) => this.#makeHandle(side);
    this.#handles = {
      left: handle('left'),
      top: handle('top'),
      right: handle('right'),
      bottom: handle('bottom'),
    };
    this.element.append(...Object.values(this.#handles));
  }

  set shown(shown: boolean) {
    this.element.hidden = !shown;
  }

  get shown(): boolean {
    return !this.element.hidden;
  }

  set extension(extension: Extension) {
    this.#extension = extension;
    this.#place();
  }

  /** Follows a picture of a size in the stage. */
  follow(size: Size, view: ViewTransform): void {
    this.#size = size;
    this.#view = view;
    this.#place();
  }

  #place(): void {
    const { left, top, right, bottom } = this.#extension;
    const { scale } = this.#view;
    Object.assign(this.element.style, {
      left: `${this.#view.left - left * scale}px`,
      top: `${this.#view.top - top * scale}px`,
      width: `${(this.#size.width + left + right) * scale}px`,
      height: `${(this.#size.height + top + bottom) * scale}px`,
    });
    for (const side of Object.keys(SIDES) as Side[]) {
      this.#handles[side].setAttribute('aria-valuenow', String(this.#extension[side]));
      this.#handles[side].setAttribute('aria-valuemax', String(this.#most(side)));
    }
  }

  #most(side: Side): number {
    return mostExtension(this.#size, this.#extension, side);
  }

  #change(side: Side, pixels: number): void {
    const whole = Math.round(pixels / STEP) * STEP;
    this.#onChange({ ...this.#extension, [side]: Math.max(0, Math.min(this.#most(side), whole)) });
  }

  #makeHandle(side: Side): HTMLElement {
    const { title, sign, axis } = SIDES[side];
    const handle = document.createElement('div');
    handle.className = `extend-handle ${side}`;
    handle.tabIndex = 0;
    handle.dataset.extend = side;
    handle.setAttribute('role', 'slider');
    handle.setAttribute('aria-label', `Pixels added at the ${title}`);
    handle.setAttribute('aria-valuemin', '0');
    let from: { at: number; pixels: number } | undefined;
    handle.addEventListener('pointerdown', (event) => {
      event.stopPropagation();
      handle.setPointerCapture(event.pointerId);
      from = { at: event[axis], pixels: this.#extension[side] };
    });
    handle.addEventListener('pointermove', (event) => {
      if (!from || !handle.hasPointerCapture(event.pointerId)) return;
      this.#change(side, from.pixels + (sign * (event[axis] - from.at)) / this.#view.scale);
    });
    handle.addEventListener('lostpointercapture', () => {
      from = undefined;
    });
    const grows = { left: 'ArrowLeft', top: 'ArrowUp', right: 'ArrowRight', bottom: 'ArrowDown' }[side];
    handle.addEventListener('keydown', (event) => {
      if (!event.key.startsWith('Arrow')) return;
      event.preventDefault();
      event.stopPropagation();
      const by = (event.shiftKey ? 8 : 1) * STEP;
      this.#change(side, this.#extension[side] + (event.key === grows ? by : -by));
    });
    return handle;
  }
}
