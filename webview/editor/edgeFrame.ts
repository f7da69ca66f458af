import { type Extension as Distances, NO_EXTENSION } from '../../shared/editorProtocol.ts';
import { keptPart } from '../../shared/margins.ts';
import { EXTENSION_STEP, mostCrop, mostExtension, SIDES, type Side } from './sides.ts';
import type { Size, ViewTransform } from './viewTransform.ts';

const AXES = {
  left: { sign: -1, axis: 'clientX', outwards: 'ArrowLeft' },
  top: { sign: -1, axis: 'clientY', outwards: 'ArrowUp' },
  right: { sign: 1, axis: 'clientX', outwards: 'ArrowRight' },
  bottom: { sign: 1, axis: 'clientY', outwards: 'ArrowDown' },
} as const;

/** What moving the edges does. */
const EDGES = {
  extend: { out: 1, step: EXTENSION_STEP, most: mostExtension, says: 'Pixels added at the' },
  crop: { out: -1, step: 1, most: mostCrop, says: 'Pixels cut off at the' },
} as const;

/**
 * The edges of the future canvas, over the stage: each is dragged, or moved by arrow keys. Of a larger one with the edges
 * of what stays as it is.
 */
export class EdgeFrame {
  readonly element = document.createElement('div');
  readonly #kept = document.createElement('div');
  readonly #handles: Readonly<Record<Side, HTMLElement>>;
  readonly #name: keyof typeof EDGES;
  readonly #onChange: (distances: Distances) => void;
  #size: Size = { width: 0, height: 0 };
  #view: ViewTransform = { scale: 1, left: 0, top: 0 };
  /** How far each edge is moved, in pixels of the image. */
  #distances: Distances = NO_EXTENSION;

  constructor(name: keyof typeof EDGES, onChange: (distances: Distances) => void) {
    this.#name = name;
    this.#onChange = onChange;
    this.element.className = `edge-frame ${name}`;
    this.element.hidden = true;
    const handle = (side: Side) => this.#makeHandle(side);
    this.#handles = {
      left: handle('left'),
      top: handle('top'),
      right: handle('right'),
      bottom: handle('bottom'),
    };
    this.#kept.className = 'kept';
    this.#kept.hidden = true;
    this.element.append(this.#kept, ...Object.values(this.#handles));
  }

  set shown(shown: boolean) {
    this.element.hidden = !shown;
  }

  get shown(): boolean {
    return !this.element.hidden;
  }

  set distances(distances: Distances) {
    this.#distances = distances;
    this.#place();
  }

  /** Follows a picture of a size in the stage. */
  follow(size: Size, view: ViewTransform): void {
    this.#size = size;
    this.#view = view;
    this.#place();
  }

  #place(): void {
    const { out } = EDGES[this.#name];
    const scale = out * this.#view.scale;
    const { left, top, right, bottom } = this.#distances;
    Object.assign(this.element.style, {
      left: `${this.#view.left - left * scale}px`,
      top: `${this.#view.top - top * scale}px`,
      width: `${this.#size.width * this.#view.scale + (left + right) * scale}px`,
      height: `${this.#size.height * this.#view.scale + (top + bottom) * scale}px`,
    });
    if (this.#name === 'extend') this.#placeKept();
    for (const side of SIDES) {
      this.#handles[side].setAttribute('aria-valuenow', String(this.#distances[side]));
      this.#handles[side].setAttribute('aria-valuemax', String(this.#most(side)));
    }
  }

  /** A line where the transition to what is new begins, along the sides that grow. */
  #placeKept(): void {
    const added = this.#distances;
    const { scale } = this.#view;
    const kept = keptPart(this.#size, added);
    this.#kept.hidden = SIDES.every((side) => added[side] === 0);
    for (const side of SIDES) this.#kept.classList.toggle(side, added[side] > 0);
    Object.assign(this.#kept.style, {
      left: `${(added.left + kept.left) * scale}px`,
      top: `${(added.top + kept.top) * scale}px`,
      width: `${kept.width * scale}px`,
      height: `${kept.height * scale}px`,
    });
  }

  #most(side: Side): number {
    return EDGES[this.#name].most(this.#size, this.#distances, side);
  }

  #change(side: Side, pixels: number): void {
    const { step } = EDGES[this.#name];
    const whole = Math.round(pixels / step) * step;
    this.#onChange({ ...this.#distances, [side]: Math.max(0, Math.min(this.#most(side), whole)) });
  }

  #makeHandle(side: Side): HTMLElement {
    const { sign, axis, outwards } = AXES[side];
    const { out, step, says } = EDGES[this.#name];
    const handle = document.createElement('div');
    handle.className = `edge ${side}`;
    handle.tabIndex = 0;
    handle.dataset[this.#name] = side;
    handle.setAttribute('role', 'slider');
    handle.setAttribute('aria-label', `${says} ${side}`);
    handle.setAttribute('aria-valuemin', '0');
    let from: { at: number; pixels: number } | undefined;
    handle.addEventListener('pointerdown', (event) => {
      event.stopPropagation();
      handle.setPointerCapture(event.pointerId);
      from = { at: event[axis], pixels: this.#distances[side] };
    });
    handle.addEventListener('pointermove', (event) => {
      if (!from || !handle.hasPointerCapture(event.pointerId)) return;
      this.#change(side, from.pixels + (out * sign * (event[axis] - from.at)) / this.#view.scale);
    });
    handle.addEventListener('lostpointercapture', () => {
      from = undefined;
    });
    handle.addEventListener('keydown', (event) => {
      if (!event.key.startsWith('Arrow')) return;
      event.preventDefault();
      event.stopPropagation();
      const by = out * (event.shiftKey ? 8 : 1) * step;
      this.#change(side, this.#distances[side] + (event.key === outwards ? by : -by));
    });
    return handle;
  }
}
